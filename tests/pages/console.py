"""The `console` blocks of a page: commands, and what they print."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

ELLIPSIS: Final = "…"
"""In a line: any text. As a line: any number of lines. The convention is told at the top of docs/tutorial.md."""
MARK: Final = "--- next command ---"


class Command(msgspec.Struct, frozen=True):
    """A command as a page shows it, and the lines of standard output that it shows below."""

    text: str
    shown: tuple[str, ...]


def commands(page: str) -> list[Command]:
    """All commands of a page in their order."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [command for block in blocks for command in _of(block)]


def _of(block: str) -> Iterator[Command]:
    text, shown = "", list[str]()
    for line in [*block.splitlines(), "$ "]:
        if not line.startswith("$ "):
            shown.append(line)
            continue
        if text:
            yield Command(text, tuple(shown))
        text, shown = line.removeprefix("$ "), []


def run(wanted: Sequence[Command], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each prints to standard output, run one after the other by one shell, as a reader would.

    Raises:
        AssertionError: the shell ended before the last one.
    """
    script = "\n".join(f"{command.text}\necho '{MARK}'" for command in wanted)
    ended = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    printed = ended.stdout.split(f"{MARK}\n")[:-1]
    assert len(printed) == len(wanted), ended.stdout + ended.stderr
    return printed


def agrees(shown: Sequence[str], printed: str) -> bool:
    """Is that what was printed? Where a page shows nothing below a command, nothing is said about it."""
    lines = [
        r"(?:.*\n)*?" if line == ELLIPSIS else r"[^\n]*".join(map(re.escape, line.split(ELLIPSIS))) + r"\n"
        for line in shown
    ]
    return not shown or re.fullmatch("".join(lines), printed) is not None
