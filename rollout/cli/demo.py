"""`rollout demo`: the main job on an emulator of its own, under load from another process, from nothing to delete."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec

from rollout.cli.demo_load import Load
from rollout.cli.demo_story import Act, Diary, summary
from rollout.cli.emulated import running_emulator
from rollout.cli.listening import listener
from rollout.cli.printing import show
from rollout.cli.running import run
from rollout.cli.session import CREATES, Session, load, opened, report_on
from rollout.core.decision import Status
from rollout.emulator import process
from rollout.errors import RolloutError
from rollout.render.change_text import change_lines
from rollout.render.from_report import document
from rollout.render.styled import Line, line
from rollout.runner import Event, Limits, Listener

PLAN: Final = "house-prices.rollout.yml"
FILE: Final = "house-prices/deployment.yml"
REQUEST: Final = "house-prices/sample-request.json"
RELEASES: Final = ("v1", "v2", "v3")


class Stage(msgspec.Struct, frozen=True):
    """Where the demo plays: a copy of the sample plans, and how much load there is."""

    folder: Path
    rate: float


@click.command()
@click.option("--speed", default=240.0, show_default=True, help="How many times faster the service's time passes.")
@click.option("--rate", default=40.0, show_default=True, help="Requests a second from the load generator.")
@click.option("--dashboard", is_flag=True, help="Show it as web pages, too; they stay until Ctrl-C.")
def demo(speed: float, rate: float, dashboard: bool) -> int:
    """Release three models one after the other on an emulator of its own, under load. No Azure account needed."""
    with _stage(rate) as stage, _emulator(stage.folder, speed):
        return run(_shown(stage) if dashboard else _play(stage))


@contextmanager
def _stage(rate: float) -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="rollout-demo-"))
    try:
        shutil.copytree(samples(), folder / "plans")
        yield Stage(folder, rate)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _emulator(folder: Path, speed: float) -> Iterator[None]:
    click.echo("Starting an Azure Machine Learning emulator …", err=True)
    process.start(folder / "emulator", speed=speed, parent_pid=os.getpid())
    try:
        yield
    finally:
        process.stop(folder / "emulator")


def samples() -> Path:
    """The sample plans: beside the package in a checkout, inside it when it was installed."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "samples", package.parent / "plans"):
        if (folder / PLAN).exists():
            return folder
    raise RolloutError("the sample plans are not there", hint="run the demo from a checkout of the project")


async def _shown(stage: Stage) -> int:
    """The same with a dashboard beside it."""
    from rollout.cli.demo_dashboard import looked_at, until_interrupted

    async with looked_at(stage.folder, PLAN):
        code = await _play(stage)
        await until_interrupted()
    return code


async def _play(stage: Stage) -> int:
    """Every release, then what came of it: 0 if all converged and not one request failed."""
    acts: list[Act] = []
    async with opened(running_emulator(stage.folder / "emulator")) as session:
        requests = Load(session, stage.folder, stage.rate)
        try:
            for number, version in enumerate(RELEASES, 1):
                acts.append(await _release(stage, session, requests, number, version))
                if number == 1:
                    await requests.start("house-prices", stage.folder / "plans" / REQUEST)
        finally:
            report = await requests.stop()
        show(summary(acts, report, session.plane.requests), sys.stdout)
    good = all(act.status is Status.DONE for act in acts) and report["sent"] > 0 and report["failed"] == 0
    return 0 if good else 1


async def _release(stage: Stage, session: Session, requests: Load, number: int, version: str) -> Act:
    file = stage.folder / "plans" / FILE
    before, after = RELEASES[max(0, number - 2)], version
    text = file.read_text()
    file.write_text(text.replace(f"models/{before}", f"models/{after}"))
    show(_headline(number, before, after), sys.stderr)
    loaded = load(stage.folder / "plans" / PLAN)
    allowed = frozenset({CREATES})
    seen = await session.settled(loaded.release.endpoint.name)
    show(change_lines(document(report_on(session, loaded, seen, allowed))), sys.stderr)
    diary = Diary(requests)
    with listener(f"release {number} of {len(RELEASES)}: {version}") as heard:
        runner = session.runner(loaded.release, allowed, _both(heard, diary))
        result = await runner.run(Limits(max_wait=1e9))
    for text in diary.measured:
        show([line(f"  {text}", "good")], sys.stderr)
    return Act(version=version, status=result.decision.status, writes=result.writes, stages=diary.stages())


def _headline(number: int, before: str, after: str) -> Iterator[Line]:
    yield line("")
    what = "nothing serves yet" if number == 1 else f"one line of {FILE}: models/{before} → models/{after}"
    yield line(f"Release {number} of {len(RELEASES)}: {what}", "title")


def _both(first: Listener, second: Listener) -> Listener:
    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell
