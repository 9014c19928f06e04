"""`rollout promote-to`: what is promoted in one environment becomes the candidate of the next, in its file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.edit import read_file, write_file
from rollout.cli.environments import Environment, environments
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.cli.running import run
from rollout.cli.session import load, opened, place_of
from rollout.core.promotion import Evidence, content, evidence
from rollout.core.release import Release
from rollout.errors import PlanError, UsageError
from rollout.plan.editing import edited, removed
from rollout.plan.load import LoadedPlan, load_release
from rollout.plan.positions import Path as Place
from rollout.plan.repository import Repository, find_repository
from rollout.render import harmless
from rollout.render.document import FORMAT_VERSION
from rollout.render.styled import Line, line
from rollout.render.words import moment

_PARTS: Final = ("model", "code_configuration", "environment")
"""The members of an `az ml` deployment that are handed on."""
_LOCAL: Final = ("path", "code", "conda_file")
"""The members below them that may be local paths, from the file's own folder."""
_ROWS: Final = 5


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence, the next environment's plan, its file that holds the candidate, and whether that was changed."""

    evidence: Evidence
    plan: str
    file: str
    changed: bool


@click.command("promote-to")
@click.argument("next_", metavar="NEXT")
@options.option(
    "--from",
    "former",
    metavar="PLAN",
    help="The plan, or the name, of the environment before; by default the one before NEXT in `rollout.yaml`.",
)
@options.target
@options.option(
    "--baked", type=options.DurationType(), default="0s", help="It must have been promoted there for so long."
)
@options.three_forms
def promote_to(next_: str, former: str | None, target: str | None, baked: float, outputs: tuple[Output, ...]) -> int:
    """Give NEXT, a plan or an environment of `rollout.yaml`, the candidate that is promoted in the one before it.

    Reads that environment's endpoint; model, code and environment of the candidate then go into NEXT's file, where
    comments stay, for a pull request. Nothing is changed where the endpoint does not show it (exit 6).
    """
    source, goes_to = way(find_repository(Path("plan")), next_, former)
    before, after = load(source.plan, source.overlay), load_release(goes_to.plan, overlay=goes_to.overlay)
    shown = run(_evidence(before, target, max(baked, source.baked), source.gates))
    file = Path(after.release.candidate.origin or after.path)
    changed = _handed_on(before, after, file, goes_to.overlay)
    found = Promotion(evidence=shown, plan=after.release.name, file=str(file), changed=changed)
    value = {"format_version": FORMAT_VERSION, **msgspec.to_builtins(found)}
    publish_value(value, _lines(found), outputs, markdown=lambda: markdown(found))
    return exits.OK


async def _evidence(before: LoadedPlan, target: str | None, baked: float, gates: tuple[str, ...]) -> Evidence:
    async with opened(place_of(before, target)) as session:
        seen = await session.settled(before.release.endpoint.name)
    return evidence(before.release, seen, least=baked, gates=gates)


def way(repository: Repository, next_: str, former: str | None) -> tuple[Environment, Environment]:
    """From which environment to which. Raises UsageError, and PlanError for faults of `rollout.yaml`."""
    if repository.faults:
        raise PlanError(repository.faults)
    known = environments(repository)
    goes_to = known.get(next_) or Environment(plan=Path(next_))
    if former is not None:
        return known.get(former) or Environment(plan=Path(former)), goes_to
    names = list(known)
    if next_ not in known:
        hint = f"--from PLAN; `rollout.yaml` has the environments {', '.join(names) or '(none)'}"
        raise UsageError(f"what comes before {next_}?", hint=hint)
    if next_ == names[0]:
        raise UsageError(f"{next_} is the first environment: nothing comes before it", hint="--from PLAN")
    return known[names[names.index(next_) - 1]], goes_to


def _handed_on(before: LoadedPlan, after: LoadedPlan, file: Path, overlay: Path | None) -> bool:
    """Change the file so that the next plan's candidate has that content. Raises UsageError where something else than
    the file decides it (`set`, an overlay); then the file is as it was."""
    if content(before.release) == content(after.release):
        return False
    origin = Path(before.release.candidate.origin or before.path)
    wanted = _moved(json.loads(before.release.candidate.document), origin.parent, file.parent)
    top: Place = ("candidate",) if file.resolve() == after.path.resolve() else ()
    there = json.loads(after.release.candidate.document)
    text = old = read_file(file)
    for part in _PARTS:
        for place, value in _edits((*top, part), wanted.get(part), there.get(part)):
            text = removed(text, str(file), place) if value is None else edited(text, str(file), place, value)
    write_file(file, text)
    if wrong := _apart(before.release, load_release(after.path, overlay=overlay).release):
        write_file(file, old)
        raise UsageError(f"{file} does not decide {', '.join(wrong)}", hint="an overlay, or `set` in the plan, does")
    return True


def _edits(place: Place, wanted: Any, there: Any) -> Iterator[tuple[Place, Any]]:
    """What must be set, as deep as both have the same members; None: taken out."""
    if isinstance(wanted, dict) and isinstance(there, dict) and wanted.keys() == there.keys():
        for name in wanted:
            yield from _edits((*place, name), wanted[name], there[name])
    elif wanted != there:
        yield place, wanted


def _apart(one: Release, other: Release) -> list[str]:
    """What of their content differs."""
    mine, theirs = content(one), content(other)
    return sorted(path for path in {*mine, *theirs} if mine.get(path) != theirs.get(path))


def _moved(value: Any, old: Path, new: Path, name: str = "") -> Any:
    """The document with its local paths as they are from the other folder."""
    if isinstance(value, Mapping):
        return {key: _moved(inner, old, new, key) for key, inner in value.items()}
    local = name in (*_LOCAL, "model") and isinstance(value, str) and ":" not in value
    return Path(os.path.relpath(old / value, new)).as_posix() if local else value


def _rows(found: Promotion) -> Iterator[tuple[str, str]]:
    shown = found.evidence
    yield "promoted on", f"{shown.endpoint}, deployment {shown.deployment}, plan {shown.plan}"
    yield "since", moment(shown.since)
    yield "goal", shown.goal
    yield "commit", shown.commit[:12] or "not known"
    yield "gates of that plan now", ", ".join(shown.gates) or "none"
    for entry in shown.history[-_ROWS:]:
        yield moment(entry.at), entry.what + (f", by {entry.who}" if entry.who else "")
    yield from shown.content.items()


def _lines(found: Promotion) -> Iterator[Line]:
    done = "changed for it" if found.changed else "has it already"
    yield line(f"{found.plan}: {found.file} {done}", "title")
    yield line(f"  promoted for {found.evidence.seconds / 3600:.1f} h")
    yield from (line(f"  {name}: {said}") for name, said in _rows(found))


def markdown(found: Promotion) -> str:
    """The text of the pull request; nothing in it changes by time alone."""
    rows = [f"| {harmless.cell(name)} | {harmless.cell(said)} |" for name, said in _rows(found)]
    head = f"{harmless.code(found.plan)} gets what is promoted in the environment before."
    return "\n".join([head, "", "| | |", "|---|---|", *rows, ""])
