"""The three files of a plan for an endpoint that serves already: roles form, the first diff empty. Pure text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yaml

from rollout.core.observed import Deployment, Endpoint, all_to
from rollout.core.progress import Progress, from_tags
from rollout.errors import UsageError
from rollout.plan.exported import deployment_document, endpoint_document

PLAN: Final = "plan.yml"
ENDPOINT: Final = "endpoint.yml"
DEPLOYMENT: Final = "deployment.yml"
_LONGEST_NAME: Final = 32
_USABLE: Final = re.compile(r"[a-z][a-z0-9-]{0,61}\Z")
_SLOTS: Final = ("blue", "green")

_PLAN: Final = """\
# Written by `rollout import` from the live endpoint {endpoint}; its first `rollout diff` is empty.
# A release is a change of {deployment}. Put gates that know your model between the stages:
# smoke_test (requests and what to expect), bake with checks, approval.
version: 1
name: {name}
{target}endpoint: {endpoint_file}
candidate: {deployment}
slots: [{slots}]
stages:
  - deploy: candidate                       # into the free slot, without traffic
  - traffic: 10
  - bake: 30m
  - traffic: 50
  - bake: 30m
  - traffic: 100
  - bake: 1h                                # stable is still warm
{delete}"""
_DELETE: Final = "  - delete: {deployment: stable, after: 24h}\n"
_NO_DELETE: Final = "  # - delete: stable                       # left out: it would delete what has no traffic now\n"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The files by their names, and what a person should know about them."""

    files: Mapping[str, str]
    notes: tuple[str, ...]


def imported(
    live: Endpoint, endpoint: Mapping[str, Any], deployments: Mapping[str, Mapping[str, Any]], target: str = ""
) -> Imported:
    """The plan for what serves. `endpoint` and `deployments` (by lower-case name) are ARM's bodies; `target` is YAML
    for the plan. Raises UsageError where nothing serves.
    """
    record = from_tags(live.tags)
    progress = record if isinstance(record, Progress) else None
    serving = _serving(live, progress)
    _check_names(live.name, serving.name, progress.plan if progress else live.name)
    under_way = progress is not None and live.weights != all_to(serving.name)
    plan = _PLAN.format(
        endpoint=live.name,
        name=_name(live, progress, under_way),
        target=target,
        endpoint_file=ENDPOINT,
        deployment=DEPLOYMENT,
        slots=", ".join(_slots(live, serving.name)),
        delete=_DELETE if len(live.deployments) == 1 else _NO_DELETE,
    )
    documents = {
        ENDPOINT: endpoint_document(live, endpoint),
        DEPLOYMENT: deployment_document(serving, deployments[serving.name]),
    }
    files = {name: _yaml(document) for name, document in documents.items()}
    return Imported(files={PLAN: plan, **files}, notes=tuple(_notes(live, serving, progress, under_way)))


def _serving(live: Endpoint, progress: Progress | None) -> Deployment:
    """What the plan shall be about: what is promoted, else what has most of the traffic."""
    recorded = live.deployment(progress.promoted.name) if progress and progress.promoted else None
    if recorded is not None:
        return recorded
    most = max(live.weights.traffic, key=lambda pair: pair[1], default=None)
    found = live.deployment(most[0]) if most else None
    if found is None:
        raise UsageError(
            f"{live.name} serves nothing, so there is nothing to import",
            hint="a plan says what should serve: write one, and `rollout apply` deploys it",
        )
    return found


def _check_names(*names: str) -> None:
    for name in names:
        if not _USABLE.match(name):
            raise UsageError(f"the service shows the name {name!r:.60}, which no plan can say")


def _name(live: Endpoint, progress: Progress | None, under_way: bool) -> str:
    """The owner's name; while its rollout is under way another one, so that this plan does not end it."""
    if progress is None:
        return live.name
    return f"{live.name[: _LONGEST_NAME - 9]}-imported" if under_way else progress.plan


def _slots(live: Endpoint, serving: str) -> tuple[str, str]:
    """The name that serves, and one that gets no traffic: never one that somebody else's weight is on."""
    idle = (found.name for found in live.deployments if found.name != serving and not live.weights.touches(found.name))
    free = [*filter(_USABLE.match, idle), *_SLOTS, f"{serving[: _LONGEST_NAME - 2]}-b"]
    other = next(name for name in free if name != serving and not live.weights.touches(name))
    return (serving, other) if serving != _SLOTS[1] else (other, serving)


def _notes(live: Endpoint, serving: Deployment, progress: Progress | None, under_way: bool) -> list[str]:
    notes = []
    if under_way and progress is not None:
        notes.append(
            f"a rollout of the plan {progress.plan} is under way on {live.name}: this plan waits until that is over"
            " (import again then, or `rollout disown`)"
        )
    elif progress is None and len(live.weights.serving) > 1:
        notes.append(
            f"{', '.join(live.weights.serving)} share the traffic; the plan is written for {serving.name}: say"
            f" `rollout adopt --stable {serving.name}`, or move the traffic and import again"
        )
    if not serving.ready:
        notes.append(f"{serving.name} is {serving.state}: some of its fields are not known yet")
    return notes


def _yaml(document: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120)
    return text
