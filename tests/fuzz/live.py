"""Targets: what Resource Manager answers, and our record in the tags. Read, decided upon, written back, told."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import yaml

from rollout.azure import writes
from rollout.core.canonical import read_endpoint
from rollout.core.change_set import change_set
from rollout.core.observed import Endpoint, Observation
from rollout.core.our_tags import PREFIX
from rollout.core.progress import Damaged, Progress, from_tags, to_tags
from rollout.core.stamp import BORN_TAG, REVISION_TAG
from rollout.errors import AzureError, RolloutError
from rollout.plan.importing import imported
from rollout.ports import RequestCount
from rollout.render.forms import rendered
from rollout.render.from_report import document
from rollout.render.report import Report
from tests.fuzz.target import Target, as_json, spelt, told
from tests.plan.fuzz import LIVE_DEPLOYMENT, LIVE_ENDPOINT
from tests.render import nasty
from tests.worlds.plane import NAME, START
from tests.worlds.plans import roles

_RELEASE: Final = roles("v2")
_ENDPOINT: Final[dict[str, Any]] = yaml.load(LIVE_ENDPOINT, Loader=yaml.CSafeLoader)
_BLUE: Final[dict[str, Any]] = yaml.load(LIVE_DEPLOYMENT, Loader=yaml.CSafeLoader)


def _arm(data: bytes) -> str:
    """An endpoint's body and those of its deployments, as a GET and a list answer them."""
    value = as_json(data)
    answer = value if isinstance(value, Mapping) else {"endpoint": value}
    body, listed = answer.get("endpoint"), answer.get("deployments")
    try:
        live = read_endpoint(body, listed if isinstance(listed, list) else [])  # type: ignore[arg-type]
    except AzureError as error:
        return told(error)
    assert isinstance(body, Mapping)
    _written_back(body, live)
    _imported(body, listed if isinstance(listed, list) else [], live)
    return _decided(live)


def _written_back(body: Mapping[str, Any], live: Endpoint) -> None:
    """What we write when we change nothing is canonically what was read (law 5)."""
    try:
        written = writes.with_weights(writes.writable(body), live.weights)
    except RolloutError:
        return
    again = read_endpoint(
        {**body, **written, "properties": {**(body.get("properties") or {}), **written["properties"]}}
    )
    assert (again.weights, again.fields, again.tags) == (live.weights, live.fields, live.tags)


def _imported(body: Mapping[str, Any], listed: Sequence[Any], live: Endpoint) -> None:
    bodies = {str(one.get("name") or "").lower(): one for one in listed if isinstance(one, Mapping)}
    try:
        found = imported(live, body, bodies)
    except RolloutError as error:
        told(error)
        return
    files = {name: yaml.load(text, Loader=yaml.CSafeLoader) for name, text in found.files.items()}
    assert set(files["plan.yml"]) == {"version", "name", "endpoint", "candidate", "slots", "stages"}
    assert files["endpoint.yml"]
    assert files["deployment.yml"]


def _decided(live: Endpoint) -> str:
    """What would be done about it, shown to a person; the text moves no cursor and gives no command."""
    seen = Observation(live, START + timedelta(hours=1))
    try:
        changes = change_set(_RELEASE, seen, frozenset())
    except RolloutError as error:
        return told(error)
    report = Report(
        release=_RELEASE, file="plan.yml", observation=seen, changes=changes, requests=RequestCount(reads=2)
    )
    made = document(report)
    for form in ("text", "json", "markdown"):
        text = rendered(made, form)
        assert nasty.unseen(text) == set(), form
        assert list(nasty.commands(text)) == [], form
    return str(changes.decision.status)


def _tags(data: bytes) -> str:
    """`{"tags": …}` as they are, or `{"sections": {"plan": "{…}", …}}`, which are sealed first: whoever may write tags
    can work out a checksum."""
    value = as_json(data)
    value = value if isinstance(value, Mapping) else {}
    sections, raw = value.get("sections"), value.get("tags")
    tags = _sealed(sections) if isinstance(sections, Mapping) else {}
    if isinstance(raw, Mapping):
        tags |= {str(key): str(text) for key, text in raw.items()}
    found = from_tags(tags)
    if isinstance(found, Progress):
        _kept(found)
    elif isinstance(found, Damaged):
        assert found.reason
        assert len(found.reason) < 1000
    body = {**_ENDPOINT, "name": NAME, "tags": tags}
    body["properties"] = {**body["properties"], "traffic": {"blue": 90, "green": 10}}
    return f"{type(found).__name__}: {_decided(read_endpoint(body, [_slot('blue', 'v1'), _slot('green', 'v2')]))}"


def _slot(name: str, revision: str) -> dict[str, Any]:
    return {**_BLUE, "name": name, "tags": {REVISION_TAG: revision, BORN_TAG: _BORN}}


def _kept(progress: Progress) -> None:
    """Written down and read again it is the same record, but for the ends of what was too long."""
    try:
        tags = to_tags(progress)
    except RolloutError as error:
        told(error)  # larger than anything that we write
        return
    again = from_tags(tags)
    assert isinstance(again, Progress)
    assert to_tags(again) == tags
    assert (again.plan, again.promoted, again.run, again.written) == (
        progress.plan,
        progress.promoted,
        progress.run,
        progress.written,
    )


def _seal(body: str) -> str:
    return f"1{body}~{zlib.crc32(body.encode('utf-8', 'replace')):08x}"


def _sealed(sections: Mapping[str, Any]) -> dict[str, str]:
    """The tags of those sections, with every checksum right. A section is JSON, or the text of some."""
    tags: dict[str, str] = {}
    for name, value in sections.items():
        if name != "plan":
            tags[PREFIX + name.lower()] = _seal(value if isinstance(value, str) else spelt(value).decode())
    joined = "\n".join(f"{name}={tags[name]}" for name in sorted(tags))
    head = sections.get("plan")
    if isinstance(head, Mapping):
        head = {**head, "sum": f"{zlib.crc32(joined.encode('utf-8', 'replace')):08x}"}
    if head is not None:
        tags[PREFIX + "plan"] = _seal(head if isinstance(head, str) else spelt(head).decode())
    return tags


_BORN: Final = "20260101T000000Z"
_RECORD: Final[dict[str, Any]] = {
    "plan": {"name": "plan", "commit": "c0ffee", "since": "2026-01-01T00:00:00Z", "outcome": "rolled back"},
    "promoted": {"name": "blue", "revision": "v1", "count": 2, "born": _BORN},
    "former": {"name": "green", "revision": "v0"},
    "run": {
        "goal": "v2",
        "slot": "green",
        "born": _BORN,
        "total": 2,
        "started": "2026-01-01T00:00:00Z",
        "exposed": None,
    },
    "set": {"traffic": [["blue", 90], ["green", 10]], "mirror": []},
    "hold": {"kind": "person", "why": "lunch", "who": "me", "at": "2026-01-01T00:00:00Z"},
    "passed": ["0123456789"],
    "quarantine": [{"goal": "v2", "key": "0123456789", "slot": "green", "at": "2026-01-01T00:00:00Z"}],
    "approved": [{"key": "0123456789", "digest": "01234567", "who": "me"}],
    "untaken": ["abc"],
    "history": [{"at": "2026-01-01T00:00:00Z", "what": "10 % to green", "who": "ci", "commit": "c0ffee"}],
}
_SPLIT: Final = {**_ENDPOINT["properties"], "traffic": {"blue": 90, "green": 10}, "mirrorTraffic": {}}
ARM: Final = Target(
    name="arm",
    seeds=(
        spelt({"endpoint": _ENDPOINT, "deployments": [_BLUE]}),
        spelt({"endpoint": {**_ENDPOINT, "properties": _SPLIT}, "deployments": [_BLUE, {**_BLUE, "name": "green"}]}),
        spelt({"endpoint": {**_ENDPOINT, "tags": _sealed(_RECORD)}, "deployments": [_BLUE]}),
        spelt({"endpoint": {"name": NAME, "properties": {}}, "deployments": []}),
    ),
    trial=_arm,
    tree="json",
)
TAGS: Final = Target(
    name="tags",
    seeds=(
        spelt({"sections": _RECORD}),
        spelt({"sections": {key: value for key, value in _RECORD.items() if key not in ("hold", "quarantine")}}),
        spelt({"tags": {**_sealed(_RECORD), "team": "ml"}}),
        spelt({"sections": {"plan": _RECORD["plan"], "promoted": _RECORD["promoted"], "passed": [], "passed.1": []}}),
    ),
    trial=_tags,
    tree="json",
)
