"""docs/cli.md is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

from rollout.cli.main import COMMANDS
from tests.pages.cli_page import page

COMMITTED = Path(__file__).parents[2] / "docs/cli.md"


def test_the_page_is_the_generated_one() -> None:
    """Made anew by `make pages`."""
    assert COMMITTED.read_text(encoding="utf-8") == page()


def test_every_command_has_its_section() -> None:
    """Those below another one, too."""
    text = page()
    assert [name for name in COMMANDS if f"## `rollout {name}`\n" not in text] == []
    assert "## `rollout emulator start`\n" in text
