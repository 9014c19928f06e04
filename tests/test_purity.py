"""What no import contract can see: the core asks nobody for the time, a file or the environment."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = sorted((ROOT / "rollout" / "core").glob("*.py"))
ASKING = {"now", "utcnow", "today", "getenv", "open", "read_text", "read_bytes", "write_text", "print", "input"}


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.stem)
def test_the_core_asks_nobody(path: Path) -> None:
    """No call of a clock, a file or the terminal by whatever name it was imported."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {
        call.attr if isinstance(call, ast.Attribute) else call.id
        for call in calls
        if isinstance(call, ast.Attribute | ast.Name)
    }

    assert names & ASKING == set()


def test_only_the_command_line_prints() -> None:
    """`print` and `click.echo` stand in rollout/cli and in programs of their own."""
    printing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "rollout").rglob("*.py")
        if "print(" in path.read_text() and "cli" not in path.parts
    }

    found = {path for path in printing if _prints(ROOT / path)}

    assert found <= {"rollout/plan/schema.py", "rollout/emulator/__main__.py", "rollout/emulator/worker.py"}


def _prints(path: Path) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        for node in ast.walk(ast.parse(path.read_text()))
    )
