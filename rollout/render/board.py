"""One rollout on a terminal, as `status --watch` and a running `apply` show it: who serves, the split, every stage,
errors as they come, and how far the evidence is. What it shows is a value; rich draws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import log
from typing import Any, Final

import msgspec
from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from rollout.core.decision import Decision
from rollout.core.observed import Observation
from rollout.core.verdict import Verdict
from rollout.render import harmless, words
from rollout.render.change_text import stage_lines
from rollout.render.document import Deployment, Measurement, Roles, Stage
from rollout.render.from_report import deployments, stages
from rollout.render.sparks import meter, spark
from rollout.render.story import Story
from rollout.render.terminal import as_text

BAR: Final = 40
"""Characters for 100 % of the traffic."""
_SPARK: Final = 40
_METER: Final = 20
_LEAST_TOP: Final = 0.01
"""A share of errors that fills a bar at least: one error in a thousand shall not look like an outage."""

Errors = tuple[tuple[str, tuple[float, ...]], ...]
"""By deployment: the share of bad requests of one span after the other."""


class Gauge(msgspec.Struct, frozen=True):
    """Evidence of one question of a check: log E and its limit."""

    name: str
    value: float
    limit: float


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """All that is drawn."""

    roles: Roles = Roles()
    deployments: tuple[Deployment, ...] = ()
    stages: tuple[Stage, ...] = ()
    errors: Errors = ()
    gauges: tuple[Gauge, ...] = ()


def of_story(story: Story) -> Board:
    """What `status --watch` shows."""
    document = story.document
    last = story.measurements[-1] if story.measurements else None
    return Board(
        roles=document.roles,
        deployments=document.endpoint.deployments,
        stages=document.stages,
        errors=tuple(_read(story)),
        gauges=tuple(_gauges(last.evidence if isinstance(last, Measurement) else None)),
    )


def of_look(seen: Observation, decision: Decision, said: Verdict | None) -> Board:
    """What a running `apply` shows: the last look, and what the last gate with checks said."""
    evidence = said.evidence if said is not None else None
    return Board(
        roles=Roles(**msgspec.structs.asdict(decision.roles)),
        deployments=deployments(seen.endpoint) if seen.endpoint is not None else (),
        stages=stages(decision),
        errors=tuple(_counted(evidence)),
        gauges=tuple(_gauges(evidence)),
    )


def drawn(title: str, board: Board) -> Iterator[RenderableType]:
    """The lines, from top to bottom."""
    tree = Tree(Text(harmless.line(title), style="bold"), guide_style="dim")
    for one in board.deployments:
        tree.add(_deployment(one, board.roles))
    yield tree
    yield split_bar(board)
    yield from (as_text(one) for one in stage_lines(board.stages))
    if board.errors or board.gauges:
        yield Text()
    for name, shares in board.errors:
        top = max(_LEAST_TOP, *(value for _, values in board.errors for value in values))
        look = _look(name, board.roles)
        yield Text.assemble(f"  errors {name[:20]:8} ", (spark(shares, top, _SPARK), look), f"  {shares[-1]:.2%}")
    for gauge in board.gauges:
        yield _gauge(gauge)


def split_bar(board: Board) -> Text:
    """Who gets how much: stable full, candidate shaded, so that it can be read without colour too."""
    text = Text("  ")
    serving = sorted(
        (one for one in board.deployments if one.weight), key=lambda one: one.name == board.roles.candidate
    )
    for one in serving:
        mine = one.name == board.roles.candidate and one.name != board.roles.stable
        text.append(("▒" if mine else "█") * round(one.weight * BAR / 100), style=_look(one.name, board.roles))
    if not serving:
        text.append("·" * BAR, style="dim")
    mirrored = ", ".join(f"{one.name} {one.mirror}" for one in board.deployments if one.mirror)
    said = ", ".join(f"{one.name} {one.weight}" for one in board.deployments if one.weight) or "none"
    text.append(harmless.line(f"  {said}{f' (mirror {mirrored})' if mirrored else ''}"))
    return text


def _deployment(one: Deployment, roles: Roles) -> Text:
    role = "stable" if one.name == roles.stable else "candidate" if one.name == roles.candidate else "not managed"
    size = f"{one.instance_count} × {one.instance_type or 'instance'}"
    told = harmless.line(f"{one.state}  {size}  revision {words.short(one.revision or '')}  {one.weight} %")
    fine = "green" if one.state == "Succeeded" else "yellow"
    return Text.assemble((harmless.line(one.name), _look(one.name, roles)), f"  {role}  ", (told, fine))


def _look(name: str, roles: Roles) -> str:
    return "yellow" if name == roles.candidate and name != roles.stable else "blue"


def _gauge(gauge: Gauge) -> Text:
    part = gauge.value / gauge.limit
    reached = ": reached" if part >= 1 else ""
    look = "red" if gauge.name.endswith(": worse") else "green"
    said = f"  {max(0.0, min(1.0, part)):.0%} of the evidence that is needed{reached}"
    return Text.assemble(f"  {harmless.line(gauge.name, 32):32} ", (meter(part, _METER), look), said)


def _read(story: Story) -> Iterator[tuple[str, tuple[float, ...]]]:
    for name in sorted({one.deployment for one in story.readings}):
        mine = (one for one in story.readings if one.deployment == name)
        yield name, tuple(one.bad / one.requests if one.requests else 0.0 for one in mine)


def _counted(evidence: Any) -> Iterator[tuple[str, tuple[float, ...]]]:
    """From the minutes that a bake's first check was judged by."""
    checks = evidence.get("checks") if evidence else None
    if not checks or not checks[0].get("minutes"):
        return
    minutes, sides = checks[0]["minutes"], evidence["sides"]
    for name, at in ((sides["stable"], 1), (sides["candidate"], 3)):
        yield name, tuple(_shares((minute[at], minute[at + 1]) for minute in minutes))


def _shares(counts: Iterable[tuple[float, float]]) -> Iterator[float]:
    yield from (bad / requests if requests else 0.0 for requests, bad in counts)


def _gauges(evidence: Any) -> Iterator[Gauge]:
    for check in (evidence or {}).get("checks", ()):
        if not isinstance(check, dict) or "log_e_worse" not in check:
            continue
        yield Gauge(f"{check['check']}: worse", check["log_e_worse"], log(1 / check["alpha_worse"]))
        yield Gauge(f"{check['check']}: not worse", check["log_e_not_worse"], log(1 / check["alpha_not_worse"]))
