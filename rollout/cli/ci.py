"""`rollout ci`: one command over many plans, with everything that a job on a runner wants to have of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import click
import msgspec

from rollout.cli import ci_runner, exits, options
from rollout.cli.ci_output import write_outputs
from rollout.cli.ci_reports import slug, write_reports
from rollout.errors import UsageError
from rollout.render import harmless

COMMANDS: Final = ("validate", "diff", "apply", "reconcile")
_MANY: Final = ("validate", "reconcile")
"""Those that take many plans by themselves."""
_SIMULATED: Final = 200_000
"""Characters of a simulation in a step summary, which holds a MiB in all."""
_WRITTEN: Final = (".json", ".md", ".junit.xml", "rollout.env")
_INTERRUPTS: Final = (exits.INTERRUPTED, exits.TERMINATED)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the job asks for."""

    command: str
    paths: tuple[Path, ...]
    documents: Path
    since: str
    approved: Path | None
    only_begun: bool
    environment: str
    reports: Path | None
    arguments: tuple[str, ...]

    @property
    def overlay(self) -> list[str]:
        """The overlay, as the words of a command."""
        return ["--environment", self.environment] if self.environment else []

    @property
    def target(self) -> str:
        """What `--target` among the arguments says; "" where it is not there."""
        return dict(pairwise(self.arguments)).get("--target", "")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", type=click.Choice(COMMANDS))
@click.argument("paths", nargs=-1, type=click.UNPROCESSED)
@options.option(
    "--documents",
    type=click.Path(path_type=Path),
    default=Path("rollout-documents"),
    help="The folder for the results as JSON, one for each plan; what was in it is gone.",
)
@options.option("--changed-since", default="", metavar="COMMIT", help="Only plans that mean something else since then.")
@options.option(
    "--approved", type=click.Path(path_type=Path), help="Apply the change sets of this folder, and only them."
)
@options.option("--only-begun", is_flag=True, help="reconcile: not the releases that nobody has begun by apply.")
@options.option("--environment", default="", metavar="NAME", help="The overlay, as for the command itself.")
@options.option(
    "--reports",
    type=click.Path(path_type=Path),
    help="apply, reconcile: a folder for a report (HTML) of each rollout in which something happened.",
)
def ci(
    command: str,
    paths: tuple[str, ...],
    documents: Path,
    changed_since: str,
    approved: Path | None,
    only_begun: bool,
    environment: str,
    reports: Path | None,
) -> int:
    """Run COMMAND on every plan in PATHS (files, or folders that are searched), as a job on a runner wants it.

    Further options are handed on. Results are written as JSON; on GitHub, in Azure Pipelines and in GitLab CI also in
    the forms that those show.
    One plan's failure does not stop the others; the worst exit code is that of the whole.
    """
    where, arguments = _split(paths)
    wish = Wish(
        command=command,
        paths=where,
        documents=documents,
        since=changed_since,
        approved=approved,
        only_begun=only_begun,
        environment=environment,
        reports=reports,
        arguments=arguments,
    )
    _empty(documents)
    codes = list(_codes(wish))
    from rollout.cli.many import worst

    code = next((found for found in codes if found in _INTERRUPTS), worst(codes))
    if command == "validate" and code == exits.OK:
        _rehearse(wish)
    if reports is not None and code not in _INTERRUPTS:
        _report(wish, reports)
    write_outputs(documents, code, os.environ)
    return code


def _report(wish: Wish, folder: Path) -> None:
    """A page for each rollout in which something happened."""
    folder.mkdir(parents=True, exist_ok=True)
    target = ["--target", wish.target] if wish.target else []
    for trouble in write_reports(wish.documents, folder, [*target, *wish.overlay]):
        _warn(trouble)


def _rehearse(wish: Wish) -> None:
    """What the plans mean, walked to their end offline: all that a pull request from a fork can be told."""
    from rollout.cli.rehearse import lines, rehearsed
    from rollout.plan.layered import overlay_for
    from rollout.render.styled import plain

    saved = wish.documents / "validate.json"
    plans = [Path(one["file"]) for one in msgspec.json.decode(saved.read_bytes())["plans"]] if saved.exists() else []
    walks, fleets = rehearsed(plans, lambda plan: overlay_for(plan, wish.environment))
    shown = [text for release, walk in walks for text in lines(release, walk)]
    text = plain([*shown, *(text for fleet in fleets for text in fleet.lines)])
    click.echo(harmless.block(text), nl=False)
    for told in ci_runner.tell_simulation(os.environ, wish.documents, text[:_SIMULATED]) if text else ():
        click.echo(told)


def _split(words: Sequence[str]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Paths, and behind the first word that begins with a dash what is handed on."""
    at = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    return tuple(Path(word) for word in words[:at]), tuple(words[at:])


def _codes(wish: Wish) -> Iterator[int]:
    """Run it, plan by plan; an interrupt ends it."""
    for name, arguments in _calls(wish):
        code = _call(wish, name, arguments)
        yield code
        if code in _INTERRUPTS:
            return


def _calls(wish: Wish) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name of each result, and the arguments that give it."""
    if wish.command == "apply" and wish.approved is not None:
        yield from _approved(wish.approved)
        return
    found = _begun(_plans(wish), wish) if wish.command == "reconcile" and wish.only_begun else _plans(wish)
    if wish.command in _MANY and found:
        yield wish.command, tuple(map(str, found))
        return
    for index, plan in enumerate(found):
        yield f"{index:03}-{slug(plan)}", (str(plan),)


def _plans(wish: Wish) -> list[Path]:
    """The plans, then the fleets."""
    from rollout.plan.load import find_fleets, find_plans

    if not wish.paths:
        raise UsageError("which plans? Give their paths, or folders")
    fleets = find_fleets(wish.paths)
    found = [*(plan for plan in find_plans(wish.paths) if plan not in fleets), *fleets]
    if wish.since:
        from rollout.cli.changed import changed, gone

        for plan in gone(wish.paths, wish.since):
            _warn(f"{plan} is gone: its endpoint stays as it is, and nothing carries a rollout of it on")
        found = changed(found, wish.since, wish.environment) if found else []
        click.echo(f"{len(found)} plan{'' if len(found) == 1 else 's'} changed since {wish.since[:40]}", err=True)
    elif not found:
        raise UsageError(f"no plan in {', '.join(map(str, wish.paths))}", hint="a plan has `version:` and `stages:`")
    return found


def _warn(text: str) -> None:
    """On stderr, and as an annotation of the run, too."""
    click.echo(f"warning: {harmless.line(text)}", err=True)
    if told := ci_runner.warning(os.environ, text):
        click.echo(told)


def _begun(found: list[Path], wish: Wish) -> list[Path]:
    from rollout.cli.begun import UNSEEN, fleets_held_back, held_back
    from rollout.plan.load import is_fleet

    target = wish.target or os.environ.get("ROLLOUT_TARGET")
    fleets = [path for path in found if is_fleet(path)]
    plans = [path for path in found if path not in fleets]
    held = held_back(plans, target, wish.environment) | fleets_held_back(fleets, target, wish.environment)
    for plan, reason in held.items():
        if UNSEEN in reason:
            _warn(f"{plan}: {reason}")
        else:
            click.echo(harmless.line(f"{plan}: {reason}"), err=True)
    return [path for path in found if path not in held]


def _approved(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each approved change set, as a file; those that change nothing need no apply."""
    from rollout.cli.publishing import read_documents
    from rollout.render.fleet_life import would_change

    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="it is what `rollout ci diff --documents` wrote")
    for path, one in read_documents([folder]):
        changes = one.document is not None and bool(one.document.actions) and not one.part_of
        if changes or (one.fleet is not None and would_change(one.fleet)):
            yield path.stem, (str(path),)


def _call(wish: Wish, name: str, arguments: Sequence[str]) -> int:
    from rollout.cli.main import main

    place = wish.documents / name
    outputs = ["text", f"json={place}.json", *ci_runner.forms(os.environ, place)]
    words = [wish.command, *arguments, *wish.arguments, *wish.overlay]
    if begin := ci_runner.opened(os.environ, place, f"rollout {wish.command} {slug(Path(arguments[0]))}"):
        click.echo(begin, color=True)  # GitLab's begin with an escape, terminal or not
    code = main([*words, *(part for form in outputs for part in ("--output", form))])
    sys.stdout.flush()
    for end in ci_runner.closed(os.environ, place):
        click.echo(end, color=True)
    return code


def _empty(folder: Path) -> None:
    """Results of another run must not be taken for this one's."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (found for suffix in _WRITTEN for found in folder.glob(f"*{suffix}")):
        path.unlink()
