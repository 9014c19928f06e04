"""`compare` as written → what is measured: lines made requests, expressions and paths tried."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final, Literal

from rollout.core.gate_bodies import LEAST_TIMED, Compare, RequestFile
from rollout.core.revision import canonical_json
from rollout.plan.compare_models import CompareModel
from rollout.plan.gates import RecordedModel
from rollout.plan.positions import Path

_ASSET: Final = re.compile(r"azureml:[A-Za-z0-9][A-Za-z0-9._-]{0,254}:[A-Za-z0-9][A-Za-z0-9._-]{0,29}")

Complain = Callable[[str, Path, str, str], None]
"""Report a fault: its code, where below the gate, what is wrong, what was expected."""


def whole_comparison(
    model: CompareModel, requests: tuple[RequestFile, ...], assets: tuple[str, ...], complain: Complain
) -> Compare:
    """The gate, with its files read. Those of its data assets are read when it is measured."""
    part, unit = _compared(model, complain)
    for index, path in enumerate(model.ignore):
        if not all(path.split(".")):
            complain("PLAN405", ("ignore", index), f"`{path}` is not a path", "keys with dots between: `items.*.id`")
    if unit == "label" and model.numeric is not None:
        complain("PLAN405", ("numeric",), "labels are equal or not", "`rows` with a tolerance, or `labels` without")
    if model.latency_ratio is not None and not assets and len(requests) < LEAST_TIMED:
        message = f"the latency of {len(requests)} requests says nothing"
        complain("PLAN405", ("latency_ratio",), message, f"at least {LEAST_TIMED} requests")
    return Compare(
        requests=requests,
        assets=assets,
        part=part,
        unit=unit,
        ignore=model.ignore,
        absolute=model.numeric.absolute if model.numeric else 0.0,
        relative=model.numeric.relative if model.numeric else 0.0,
        at_most=model.at_most,
        distribution=model.distribution,
        latency_ratio=model.latency_ratio,
        time_limit=model.time_limit,
        concurrency=model.concurrency,
    )


def _compared(model: CompareModel, complain: Complain) -> tuple[str, Literal["answer", "row", "label"]]:
    """The expression of what is compared, and what counts as one."""
    units: tuple[tuple[str, str | None, Literal["answer", "row", "label"]], ...] = (
        ("select", model.select, "answer"),
        ("rows", model.rows, "row"),
        ("labels", model.labels, "label"),
    )
    given = [(key, text, unit) for key, text, unit in units if text is not None]
    for key, text, _ in given:
        readable(text, (key,), "predictions[0]", complain)
    if len(given) > 1:
        names = " and ".join(f"`{key}`" for key, _, _ in given)
        complain("PLAN405", (given[1][0],), f"{names} each say what is compared", "one of them")
    return (given[0][1], given[0][2]) if given else ("", "answer")


def data_asset(model: RecordedModel, complain: Complain) -> str | None:
    """`NAME:VERSION` of the data asset that an entry of `requests` names, None where it names a file. A wrong name is
    reported; a label (`@latest`) is one, since what it names changes under the gate."""
    if model.file is None or not model.file.startswith("azureml:"):
        return None
    if not _ASSET.fullmatch(model.file):
        expected = "`azureml:NAME:VERSION`, an asset of the workspace; no label such as `@latest`"
        complain("PLAN401", ("file",), f"`{model.file}` is not a version of a data asset", expected)
    if "body" in model.model_fields_set or model.content_type not in (None, "application/json"):
        complain("PLAN401", (), "a data asset has its requests as JSON", "neither `body` nor `content_type`")
    return model.file.removeprefix("azureml:")


def readable(expression: str, at: Path, example: str, complain: Complain) -> None:
    """Complain of what is no JMESPath expression."""
    # Loaded only for plans that use it.
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(expression)
    except (JMESPathError, RecursionError):
        complain("PLAN403", at, f"`{expression}` is not a JMESPath expression", f"for example `{example}`")


def json_lines(name: str, body: bytes, content_type: str, complain: Complain) -> tuple[RequestFile, ...]:
    """A request for each line that is not empty, called by file and line. Reports the first that is no JSON."""
    try:
        found = tuple(_lines(name, body, content_type))
    except ValueError as error:
        complain("PLAN401", (), str(error), "a JSON value a line")
        return ()
    if not found:
        complain("PLAN401", (), f"`{name}` has no lines", "a JSON value a line")
    return found


def _lines(name: str, body: bytes, content_type: str) -> Iterator[RequestFile]:
    for number, line in enumerate(body.split(b"\n"), start=1):
        text = line.strip()
        if not text:
            continue
        try:
            canonical_json(json.loads(text))  # refuses NaN and infinity, which are no JSON
        except (ValueError, RecursionError) as error:
            raise ValueError(f"`{name}` is not JSON in line {number}") from error
        yield RequestFile(name=f"{name}:{number}", body=text, content_type=content_type)
