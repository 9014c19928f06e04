"""`rollout policy`: what applies to a plan and where that is written, and cases that try a policy; offline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from rollout.cli import exits, options
from rollout.cli.options import Output
from rollout.core.policy import Policy, Span, Window
from rollout.core.policy_windows import closed, shown
from rollout.errors import UsageError
from rollout.plan.load import Inspection, inspect_plan


@click.group()
def policy() -> None:
    """Show the policy of a plan, or try a policy on cases."""


@policy.command("show")
@options.plan_argument()
@options.plain_output
@options.option(
    "--at", default="", metavar="TIME", help="When windows are asked, as 2026-12-24T12:00Z; by default now."
)
def show(plan: Path, outputs: tuple[Output, ...], at: str) -> int:
    """Show every rule and window that applies to PLAN, with its place; exit 0 though the plan may break some."""
    found = inspect_plan(plan, overlay=options.overlay_for(plan))
    moment = _moment(at)
    for output in outputs or (Output("text"),):
        text = "\n".join(_lines(found, moment)) if output.form == "text" else _json(found, moment)
        if output.path is None:
            click.echo(text)
        else:
            output.path.write_text(text + "\n")
    return exits.OK


@policy.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def test(files: tuple[Path, ...]) -> int:
    """Try the cases of FILES: plans that pass or are refused by a rule, moments that are open or closed.

    Paths in a file start from its folder. Exit 1 if a case ends other than it expects.
    """
    from rollout.plan.policy_cases import read_cases, tried

    results = [tried(case, file.parent) for file in files for case in read_cases(file)]
    for result in results:
        click.echo(f"ok    {result.name}" if not result.wrong else f"FAIL  {result.name}: {result.wrong}")
    failed = sum(bool(result.wrong) for result in results)
    click.echo(f"{len(results)} cases, {failed} failed", err=True)
    return exits.ERROR if failed else exits.OK


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--at {text} is no time", hint="as 2026-12-24T12:00Z") from error
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def _lines(found: Inspection, at: datetime) -> Iterator[str]:
    applies = found.loaded.release.policy
    if applies is None:
        yield "no policy applies"
        return
    if applies.stopped:
        yield f"the line is stopped: {applies.stopped}"
    for rule in applies.rules:
        yield f"rule {rule.name}  ({rule.where})"
        yield from (f"  {name}: {value}" for name, value in found.limits.get(rule.where, {}).items())
    for window, answer in zip(applies.windows, _answers(applies, at), strict=True):
        kind = "allows" if window.opens else "denies"
        yield f"window {window.name}  ({window.where})"
        yield f"  {kind} {', '.join(window.activities)}; {answer}"
    yield from (f"broken: {text}" for text in applies.broken)


def _answers(applies: Policy, at: datetime) -> Iterator[str]:
    """How each window stands then, by itself."""
    for index, window in enumerate(applies.windows):
        alone = Policy(windows=(window,), calendar=_Only(applies, index))
        shut = closed(alone, window.activities[0], at, 0.0) if window.activities else None
        yield "open now" if shut is None else f"closed until {shown(shut.until) if shut.until else 'further notice'}"


class _Only:
    """The calendar of one window out of several."""

    def __init__(self, applies: Policy, index: int) -> None:
        self._applies, self._index = applies, index

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """Those of that window."""
        calendar = self._applies.calendar
        return calendar.spans(self._index, year) if calendar is not None else ()


def _json(found: Inspection, at: datetime) -> str:
    applies = found.loaded.release.policy
    rules = applies.rules if applies else ()
    windows: tuple[Window, ...] = applies.windows if applies else ()
    answers = tuple(_answers(applies, at)) if applies else ()
    document = {
        "plan": found.loaded.release.name,
        "stopped": applies.stopped if applies else "",
        "rules": [
            {"name": rule.name, "where": rule.where, "limits": found.limits.get(rule.where, {})} for rule in rules
        ],
        "windows": [
            {
                "name": window.name,
                "where": window.where,
                "allows": window.opens,
                "activities": list(window.activities),
                "now": answer,
                "says": json.loads(window.says),
            }
            for window, answer in zip(windows, answers, strict=True)
        ],
        "broken": list(applies.broken) if applies else [],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
