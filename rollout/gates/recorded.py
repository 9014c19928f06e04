"""The files of data assets → the requests of a comparison. Knows what Azure ML's data collector writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from rollout.core.gate_bodies import LEAST_TIMED, Compare, RequestFile
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import Retryable, RolloutError
from rollout.ports import Recording, Recordings

MOST_BYTES: Final = 20_000_000
MOST_REQUESTS: Final = 1000
_REQUEST: Final = "azureml.inference.request"
"""The `type` of a line of payload logging that holds what a client sent (source: "Collect production data from models
deployed for real-time inferencing", Microsoft Learn)."""
_COLLECTED: Final = "azureml.inference."
_LINES: Final = (".jsonl", ".ndjson")


class UnusableError(ValueError):
    """What a file holds cannot be sent."""


async def with_recorded(recordings: Recordings, test: Compare) -> Compare | Verdict:
    """The comparison with the requests of its data assets read; a verdict, never FAIL, where they cannot be had."""
    found = list(test.requests)
    try:
        for asset in test.assets:
            name, _, version = asset.rpartition(":")
            for file in await recordings.files(name, version, MOST_BYTES):
                found += requests_of(asset, file)
        _bounded(found, test)
    except UnusableError as error:
        return Verdict(outcome=Outcome.ERROR, reason=str(error))
    except Retryable as error:
        return Verdict(outcome=Outcome.NO_DATA, reason=_told(error))
    except RolloutError as error:
        return Verdict(outcome=Outcome.ERROR, reason=_told(error))
    return msgspec.structs.replace(test, requests=tuple(found), assets=())


def requests_of(asset: str, file: Recording) -> Iterator[RequestFile]:
    """A request for the file, or one for each of its lines; of collected lines only what clients sent. Raises
    UnusableError for what is no JSON, or was not kept whole."""
    where = f"azureml:{asset}/{file.name.rpartition('/')[2]}"
    if not file.name.lower().endswith(_LINES):
        _parsed(file.content, where)
        yield RequestFile(name=where, body=file.content)
        return
    for number, line in enumerate(file.content.split(b"\n"), start=1):
        if text := line.strip():
            value = _parsed(text, at := f"{where}:{number}")
            if not _collected(value):
                yield RequestFile(name=at, body=text)
            elif value["type"] == _REQUEST:
                yield RequestFile(name=at, body=_sent(value, at))


def _parsed(text: bytes, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"{where} is not JSON: correct the file and register a new version") from error


def _refused(word: str) -> None:
    raise ValueError(word)


def _collected(value: Any) -> bool:
    """Whether that is a CloudEvents line of the data collector."""
    return isinstance(value, Mapping) and "specversion" in value and str(value.get("type", "")).startswith(_COLLECTED)


def _sent(event: Mapping[str, Any], where: str) -> bytes:
    """The body that the client had sent."""
    if str(event.get("datainblob", "")).lower() == "true" or event.get("datacontenttype") != "application/json":
        raise UnusableError(f"{where} was not collected as JSON: its body is elsewhere; leave such requests out")
    if "data" not in event:
        raise UnusableError(f"{where} has no `data`: leave such lines out")
    return json.dumps(event["data"]).encode()


def _bounded(found: list[RequestFile], test: Compare) -> None:
    names = ", ".join(f"azureml:{asset}" for asset in test.assets)
    if len(found) > MOST_REQUESTS or sum(len(one.body) for one in found) > MOST_BYTES:
        limits = f"at most {MOST_REQUESTS} requests and {MOST_BYTES} bytes in one comparison"
        raise UnusableError(f"{names}: {len(found)} requests are too many: {limits}")
    if not found:
        raise UnusableError(
            f"{names}: no request is in it; of collected data only lines of type {_REQUEST} are requests"
        )
    if test.latency_ratio is not None and len(found) < LEAST_TIMED:
        raise UnusableError(f"the latency of {len(found)} requests says nothing: at least {LEAST_TIMED} requests")


def _told(error: RolloutError) -> str:
    return f"{error}. {error.hint}" if error.hint else str(error)
