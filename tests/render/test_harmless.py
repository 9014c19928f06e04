"""Text from outside, place by place; and every character there is, one by one."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from rollout.render import harmless
from tests.render import nasty

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
EVERY = [chr(code) for code in range(sys.maxunicode + 1)]


def test_no_character_that_is_not_seen_gets_through() -> None:
    """Of all that Unicode has: controls, formats, surrogates, private use; line ends are line ends."""
    shown = harmless.block("".join(EVERY), len(EVERY))
    assert {one for one in set(shown) if unicodedata.category(one) in UNSEEN} == {"\n"}


def test_what_is_seen_stays_as_it_is() -> None:
    """Letters, digits, signs and emoji of every script, but for what takes no room (selectors, fillers)."""
    seen = [one for one in EVERY if unicodedata.category(one)[0] in "LNPS"]
    lost = [one for one in seen if harmless.line(one) != one]
    assert lost == ["\u115f", "\u1160", "\u3164", "\uffa0", "\ufffc"]


def test_the_short_way_is_the_long_way() -> None:
    """A character that needs no cleaning is the same with and without it."""
    assert [one for one in EVERY if one.isprintable() and harmless.line(one) != harmless.block(one)] == []


def test_every_space_is_one() -> None:
    """A runner trims them all before it looks for a command."""
    spaces = [one for one in EVERY if one.isspace()]
    assert {harmless.line(one) for one in spaces} == {" ", harmless.MARK}
    assert list(nasty.commands("\n".join(harmless.line(f"{one}::error::x") for one in spaces))) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b2Jgone", "gone"),
        ("\x1b]0;title\x07", "\N{REPLACEMENT CHARACTER}]0;title\N{REPLACEMENT CHARACTER}"),
        ("a\r\nb\tc", "a b c"),
        ("\x00\x01\x02x", "\N{REPLACEMENT CHARACTER}x"),
        ("user\u202etxt.exe", "user\N{REPLACEMENT CHARACTER}txt.exe"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("  ::error::x", "  : :error::x"),
        ("a ::error::x", "a ::error::x"),
        ("a ##[group]b", "a # #[group]b"),
        ("###[x] ##vso[y]", "## #[x] # #vso[y]"),
        ("# ## ### text", "# ## ### text"),
    ],
)
def test_a_line(text: str, shown: str) -> None:
    """On one line, and no command."""
    assert harmless.line(text) == shown


def test_a_line_is_cut_and_says_so() -> None:
    """To so many characters in all."""
    assert harmless.line("x" * 100, 10) == "x" * 9 + "…"
    assert harmless.line("é" * 100, 10) == "é" * 9 + "…"


def test_of_a_block_the_end_stays() -> None:
    """Its lines too, and no one of them is a command."""
    assert harmless.block("a\n ::b\r\nc") == "a\n : :b\nc"
    assert harmless.block("x" * 100, 10) == "…" + "x" * 9


@pytest.mark.parametrize(
    ("text", "lines", "shown"),
    [
        ("a\nb\nc\n", 3, ("a", "b", "c")),
        ("a\nb\nc\n", 2, ("…", "c")),
        ("a\nb\nc\n", 1, ("c",)),
        ("", 3, ("",)),
        ("x" * 20, 2, ("xxxxxxxxx…",)),
        ("x" * 30, 2, ("…", "xxxxxxxxx…")),
        ("y" * 15 + "\nz", 5, ("yyyyyyyyy…", "z")),
    ],
)
def test_a_tail(text: str, lines: int, shown: tuple[str, ...]) -> None:
    """The last lines; a first one that says that there was more."""
    assert harmless.tail(text, lines, 10) == shown


@given(nasty.TEXT)
def test_a_fence_holds_any_text(text: str) -> None:
    """One fence, closed by ours, with all the lines in it."""
    shown = harmless.fence(text, "text")
    tokens = MarkdownIt().parse(shown)
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content == harmless.block(text).rstrip("\n") + "\n"


@given(nasty.TEXT)
def test_a_code_span_holds_any_text(text: str) -> None:
    """One span in one paragraph, in the form of HTML too; the same one in a table's cell."""
    inner = MarkdownIt().parse(f"x {harmless.code(text)} y")[1].children or []
    assert [token.type for token in inner] == ["text", "code_inline", "text"]
    shown = MarkdownIt().render(f"x {harmless.html(text)} y")
    assert shown.count("<code>") == shown.count("</code>") == 1
    row = f"| a | b |\n|---|---|\n| {harmless.cell(text)} | end |"
    cells = [token.content for token in MarkdownIt().enable("table").parse(row) if token.type == "inline"]
    assert len(cells) == 4
    assert cells[-1] == "end"


@given(nasty.TEXT)
def test_a_label_has_no_syntax(text: str) -> None:
    """Of mermaid or of anything else, and there always is one."""
    shown = harmless.label(text)
    assert 0 < len(shown) <= 40
    assert not set(shown) & set("\"'[]{}<>#;:&%`|\\/@=*~^!?_\n")


@given(nasty.TEXT)
def test_a_command_says_what_was_said(text: str) -> None:
    """Unescaped as the runner does it, the message is the harmless text."""
    data = harmless.data(text)
    assert "\n" not in data
    assert data.replace("%0A", "\n").replace("%25", "%") == harmless.block(text)
    assert not set(harmless.attribute(text)) & set(":,\n\r")


@given(nasty.TEXT)
def test_json_says_what_was_said(text: str) -> None:
    """Escapes change the bytes, never the value."""
    encoded = json.dumps(harmless.unicode(text), ensure_ascii=False)
    shown = harmless.json_text(encoded)
    assert json.loads(shown) == harmless.unicode(text)
    assert nasty.unseen(shown) == set()
    assert list(nasty.commands(shown)) == []
