"""The tutorial and two how-to pages, followed to the letter in an empty folder; what they show is what is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from rollout.emulator import process
from tests.pages.console import Command, agrees, commands, run

pytestmark = pytest.mark.slow
ROOT: Final = Path(__file__).parents[2]
MAIN: Final = "import sys; from rollout.cli.start import main; sys.exit(main())"
INSTALLED: Final = "pip install 'azureml-rollout[emulator]'"
RELEASE: Final = Command(
    "git reset --quiet --hard && sed -i 's/2\\.1/2.2/' plans/prices/models/v2/model.json"
    " && rollout apply plans/prices.rollout.yml --auto-approve",
    (),
)
"""Before docs/roll-back.md: a release is under way."""
GIVEN_UP: Final = Command("rollout disown --endpoint prices", ())
"""Before docs/adopt.md: nobody's endpoint."""


def page(name: str) -> list[Command]:
    """The commands of a page, without installing what is installed."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return [command for command in commands(text) if command.text != INSTALLED]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """That of a reader who has just installed it; no emulator of the folder outlives the test."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "rollout").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{MAIN}' \"$@\"\n")
    (bin_ / "rollout").chmod(0o755)
    name, mail = "A Reader", "reader@example.com"
    yield {
        "HOME": str(tmp_path),
        "PATH": f"{bin_}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
        **{f"GIT_{who}_NAME": name for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": mail for who in ("AUTHOR", "COMMITTER")},
    }
    process.stop(tmp_path / "prices/.rollout/emulator")


def test_the_pages_are_true(tmp_path: Path, environment: dict[str, str]) -> None:
    """From an empty folder to a release, a bad one, a rollback at night, an adopted endpoint, and nothing left."""
    tutorial = page("tutorial.md")
    end = next(at for at, command in enumerate(tutorial) if "destroy" in command.text)
    way = [*tutorial[:end], RELEASE, *page("roll-back.md"), GIVEN_UP, *page("adopt.md"), *tutorial[end:]]
    printed = run(way, tmp_path, environment)
    wrong = [
        f"$ {command.text}\n{text}"
        for command, text in zip(way, printed, strict=True)
        if not agrees(command.shown, text)
    ]
    assert wrong == []
