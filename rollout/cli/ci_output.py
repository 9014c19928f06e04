"""The outputs of a job's step: those of the one result, or what many have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from rollout.cli.ci_runner import Runner, runner_of
from rollout.errors import RolloutError
from rollout.render import harmless
from rollout.render.azure_commands import variables
from rollout.render.document import AnyDocument, Document, Failure, Fleet, Reconciliation
from rollout.render.fleet_life import would_change
from rollout.render.github_output import KEYS, entry, facts
from rollout.render.saved import decode

DOTENV: Final = "rollout.env"
_PREFIX: Final = "ROLLOUT_OUT_"
_MOST: Final = 300


def write_outputs(folder: Path, code: int, environment: Mapping[str, str]) -> None:
    """Append to $GITHUB_OUTPUT, where there is one; in Azure Pipelines print them as variables of the step; on GitLab
    write them beside the results, as variables of the jobs that follow."""
    file, runner = environment.get("GITHUB_OUTPUT", ""), runner_of(environment)
    if not file and runner not in (Runner.AZURE, Runner.GITLAB):
        return
    found = [decode(path.read_bytes(), str(path)) for path in sorted(folder.glob("*.json"))]
    told = {**dict.fromkeys(KEYS, ""), **(facts(found[0]) if len(found) == 1 else dict(_facts(found)))}
    told |= {"exit-code": str(code), "documents": str(folder), "plans": str(_count(found))}
    if runner is Runner.AZURE:
        click.echo(variables(told), nl=False)
    elif runner is Runner.GITLAB:
        _append(folder / DOTENV, "".join(_dotenv(key, value) for key, value in told.items()))
    else:
        _append(Path(file), "".join(entry(key, value) for key, value in told.items()))


def _append(file: Path, text: str) -> None:
    try:
        with file.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise RolloutError(f"cannot write {file}: {error.strerror}") from error


def _dotenv(key: str, value: str) -> str:
    """A line of GitLab's dotenv: no quotes, no line breaks, 5 kB in all. The prefix is that of no option of ours."""
    return f"{_PREFIX}{key.upper().replace('-', '_')}={harmless.line(value, _MOST)}\n"


def _count(documents: Sequence[AnyDocument]) -> int:
    return sum(len(found.plans) if isinstance(found, Reconciliation) else 1 for found in documents)


def _facts(documents: Sequence[AnyDocument]) -> Iterator[tuple[str, str]]:
    """The keys that are true of all together."""
    fleets = [found for found in documents if isinstance(found, Fleet)]
    plans = [found for found in documents if isinstance(found, Document)]
    failed = sum(isinstance(found, Failure) for found in documents)
    times = [*(found.decision.next_after for found in plans), *(found.next_after for found in fleets)]
    moments = [found for found in times if found]
    changing = sum(bool(found.actions) for found in plans) + sum(would_change(found) for found in fleets)
    plans += [found for fleet in fleets for found in fleet.change_sets]
    yield "status", "error" if failed else "act" if changing else "done"
    yield "headline", f"{len(documents)} plans: {changing} with changes, {failed} failed"
    yield "has-changes", _flag(changing > 0)
    yield "has-drift", _flag(any(found.drift for found in plans))
    yield "hazards", ",".join(sorted({hazard.name for found in plans for hazard in found.hazards}))
    yield "next-after", min(moments).isoformat() if moments else ""
    yield "complete", _flag(all(found.complete for found in plans))


def _flag(value: bool) -> str:
    return "true" if value else "false"
