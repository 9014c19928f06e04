"""How far many plans are: a bar on a terminal, a line now and then in a log, nothing for a few."""

from __future__ import annotations

import io
import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.cli.progress import FEWEST, Lines, progress
from rollout.render.bar import Bar
from rollout.render.document import Pass

OURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DONE: Final = Pass(file="a.yml", exit_code=0, status="done", reason="")
WRONG: Final = Pass(file="b.yml", exit_code=1, status="error", reason="no such model")


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing around says anything about colours or the terminal's size."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return monkeypatch


def drawn(stream: io.StringIO) -> list[str]:
    """What is seen of a terminal, line by line, the newest last."""
    return [line for line in re.split(r"[\r\n]+", OURS.sub("", stream.getvalue())) if line.strip()]


def shown(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, plans: list[Pass]) -> str:
    """All that reaches stderr while these plans are done."""
    monkeypatch.setattr("sys.stderr", stream)
    with progress("reconcile", len(plans)) as hears:
        for told in plans:
            hears(told)
    return stream.getvalue()


def test_lines_in_a_log(surroundings: pytest.MonkeyPatch) -> None:
    """No terminal: a line after each tenth, with the failures so far; no control characters."""
    text = shown(io.StringIO(), surroundings, [*[DONE] * 12, WRONG, *[DONE] * 7])
    assert text.splitlines() == [
        *(f"reconcile: {count} of 20 plans" for count in (2, 4, 6, 8, 10, 12)),
        *(f"reconcile: {count} of 20 plans, 1 failed" for count in (14, 16, 18, 20)),
    ]
    assert "\x1b" not in text


def test_few_plans_need_neither(surroundings: pytest.MonkeyPatch) -> None:
    """Nine plans: nothing, terminal or not."""
    few = [DONE] * (FEWEST - 1)
    assert shown(io.StringIO(), surroundings, few) == ""
    assert shown(Terminal(), surroundings, few) == ""


def test_a_terminal_without_colours_gets_lines(surroundings: pytest.MonkeyPatch) -> None:
    """NO_COLOR: no escape sequence at all, so no bar."""
    surroundings.setenv("NO_COLOR", "1")
    text = shown(Terminal(), surroundings, [DONE] * 10)
    assert text.splitlines()[-1] == "reconcile: 10 of 10 plans"
    assert "\x1b" not in text


def test_a_bar_on_a_terminal(surroundings: pytest.MonkeyPatch) -> None:
    """Title, count, failures; gone at the end, the cursor back."""
    stream = Terminal()
    shown(stream, surroundings, [*[DONE] * 10, WRONG])
    last = drawn(stream)[-1]
    assert re.search(r"reconcile ━+ 11/11 1 failed 0:00:0\d", last), last
    assert stream.getvalue().endswith(("\x1b[?25h\r\x1b[1A\x1b[2K", "\x1b[2K"))
    assert "\x1b[?25h" in stream.getvalue()


@pytest.mark.parametrize("columns", [20, 30, 50, 80, 200])
def test_a_bar_keeps_to_the_width(surroundings: pytest.MonkeyPatch, columns: int) -> None:
    """No line is wider than the terminal, however narrow."""
    surroundings.setenv("COLUMNS", str(columns))
    stream = Terminal()
    shown(stream, surroundings, [*[DONE] * 30, WRONG])
    assert max(map(len, drawn(stream))) <= columns


def test_a_title_that_means_ill(surroundings: pytest.MonkeyPatch) -> None:
    """Control characters of a title move no cursor."""
    stream = Terminal()
    with Bar("a\x1b[2Jb\rc", 2, stream) as bar:
        bar(DONE)
    assert "\x1b[2J" not in stream.getvalue()


def test_an_error_ends_the_bar(surroundings: pytest.MonkeyPatch) -> None:
    """What goes wrong meanwhile leaves the cursor visible."""
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), Bar("diff", 2, stream):
        raise KeyboardInterrupt
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


@given(total=st.integers(FEWEST, 3000), failed=st.integers(0, 40))
def test_never_more_than_ten_lines(total: int, failed: int) -> None:
    """And the last one says that all are done, however many there are and fail."""
    written: list[str] = []
    lines = Lines("diff", total, written.append)
    for number in range(total):
        lines(WRONG if number < failed else DONE)
    wrong = f", {min(failed, total)} failed" if failed else ""
    assert len(written) == 10
    assert written[-1] == f"diff: {total:,} of {total:,} plans{wrong}"
