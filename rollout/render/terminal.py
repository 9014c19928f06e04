"""Styled lines on a terminal, through rich. Imported only where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

from rollout.render.styled import LOOKS, Line


def show(lines: Iterable[Line], stream: TextIO) -> None:
    """Print the lines; the terminal wraps them itself."""
    console = Console(file=stream, highlight=False, soft_wrap=True, force_terminal=True)
    for one in lines:
        console.print(as_text(one))


def as_text(one: Line) -> Text:
    """A line in rich's form. Text from outside is never read as markup."""
    text = Text()
    for span in one.spans:
        text.append(span.text, style=LOOKS[span.meaning] or None)
    return text
