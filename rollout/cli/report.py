"""`rollout report`: what happened to a rollout, when and why, with charts; one file for a pull request's artefacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from rollout.cli import exits, options
from rollout.cli.options import Output, OutputType
from rollout.cli.printing import put
from rollout.cli.running import run
from rollout.cli.session import load, opened, place_of
from rollout.cli.sight import story
from rollout.errors import UsageError
from rollout.render.document import AnyDocument, Document, Measurement, Reconciliation
from rollout.render.saved import decode, to_json
from rollout.render.story import Story

FORMATS = ("html", "json")


@click.command()
@options.plan_argument()
@options.target
@options.option(
    "--output",
    "-o",
    "outputs",
    type=OutputType(FORMATS),
    multiple=True,
    help="html or json, each with =PATH to write it to a file; repeatable.",
)
@options.option(
    "--measured",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What gates said in an earlier command: saved by its --output json=FILE; repeatable.",
)
def report(plan: Path, target: str | None, outputs: tuple[Output, ...], measured: tuple[Path, ...]) -> int:
    """Tell what happened to the rollout of PLAN: stages, split, requests, errors, latency, evidence, history.

    The HTML is one file: it needs nothing else, no script and no network. What is on record on the endpoint and in its
    metrics is told; verdicts of gates that passed earlier are in the files of --measured. Changes nothing.
    """
    saved = tuple(one for path in measured for one in _saved(path))
    told = run(_look(plan, target, saved))
    for output in outputs or (Output("html"),):
        put(_as(output.form, told), output)
    return exits.OK


async def _look(plan: Path, target: str | None, saved: tuple[Measurement, ...]) -> Story:
    loaded = load(plan)
    async with opened(place_of(loaded, target)) as session:
        return await story(session, loaded, saved)


def _as(form: str, told: Story) -> str:
    if form == "json":
        return to_json(told)
    from rollout.render.html.pages import report as html

    return html(told)


def _saved(path: Path) -> Iterator[Measurement]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    yield from _measurements(decode(text, str(path)))


def _measurements(document: AnyDocument) -> Iterator[Measurement]:
    match document:
        case Document(result=result) if result is not None:
            yield from result.measurements
        case Reconciliation(plans=plans):
            for one in plans:
                if one.change_set is not None:
                    yield from _measurements(one.change_set)
