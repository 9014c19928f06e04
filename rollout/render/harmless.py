"""Text from outside, made harmless for the place where it is shown. Every renderer takes it from here.

A container's log, a model's answer, a description, a service's message: none of them may move a cursor, hide text
behind another direction of writing, close a code fence, notify a person, link an issue, or be a workflow command.
What a runner of GitHub Actions reads as a command (actions/runner, `ActionCommand.cs`): a line that starts with `::`
after any white space, and `##[` anywhere in a line; Azure Pipelines reads `##[` and `##vso[`.

Long texts are cut before they are cleaned, so that ten megabytes cost no more than what is shown of them.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

MARK: Final = "\N{REPLACEMENT CHARACTER}"
MORE: Final = "…"
LONGEST_LINE: Final = 2_000
"""Characters of one line, unless somebody asks for less."""

# Patterns are compiled when they are first used (`re` keeps them): every start pays for what is made here.
_CSI: Final = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
"""Colours and cursor movements of a terminal, whole: their rest without the escape character says nothing."""
_ENDS: Final = r"\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]"
_SPACES: Final = r"[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
_UNSEEN: Final = (
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
)
"""Controls, formats (directions, joiners, tags), what takes no room, surrogates, private use; not `\\n`."""
_FILLERS: Final = frozenset(
    (*"\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffc", *map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))))
) | frozenset(map(chr, range(0xE0100, 0xE01F0)))
"""Those of them that Python calls printable; text without them and all else that is not printable needs no cleaning."""
_BRACKET: Final = r"##(?=\[|vso\[)"
_COLONS: Final = r"(?m)^([^\S\n]*):(?=:)"
_TICKS: Final = r"`+"
_PROSE: Final = r"[A-Za-z0-9 ,.;:()%?→×…–'\"/+-]*"
_READ: Final = r"(?i)//|www\.|\bgh-\d|:[\w+-]+:|--|\b[0-9a-f]{7,40}\b|\.\.\."
"""Links, issues, emoji, dashes and commits, in what would else be plain."""
_SPAN: Final = r"`([^`]+)`"
_NOT_LABEL: Final = r"[^\w .,()→+-]+|_"
_SPECIAL: Final = r"(?a)[^\w ]|_"


def line(text: str, most: int = LONGEST_LINE) -> str:
    """On one line of at most `most` characters, without anything that is not seen, and no workflow command."""
    cut = text if len(text) <= most else text[: most - 1] + MORE
    if cut.isprintable() and _FILLERS.isdisjoint(cut):
        return no_command(cut)
    return no_command(_clean(cut).replace("\n", " "))[:most]


def block(text: str, most: int = 1_000_000) -> str:
    """The same with its lines kept, the last `most` characters: of a log the end tells most."""
    cut = text if len(text) <= most else MORE + text[1 - most :]
    return no_command(_clean(cut))


def tail(text: str, lines: int, width: int = 500) -> tuple[str, ...]:
    """The last `lines` lines, each at most `width` characters wide; the first says so if there was more."""
    end = text[-lines * width :]
    found = block(end).rstrip("\n").split("\n")
    if len(end) < len(text) or len(found) > lines:
        found = [MORE, *found[1 - lines :]] if lines > 1 else found[-1:]
    return tuple(one if len(one) <= width else one[: width - 1] + MORE for one in found)


def first_line(text: str, most: int = LONGEST_LINE) -> str:
    """The first line that says something."""
    return next((line(one, most) for one in text[: most * 4].splitlines() if one.strip()), "")


def no_command(text: str) -> str:
    """Without what a runner takes for a workflow command: `##[…]` becomes `# #[…]`, a line's `::…` becomes `: :…`."""
    if "##" in text:
        text = re.sub(_BRACKET, "# #", text)
    return re.sub(_COLONS, r"\1: ", text) if "::" in text else text


def prose(text: str, most: int = 500) -> str:
    """In the flow of Markdown, never at the start of a line: plain words as they are, all others in code spans."""
    shown = ""
    for at, piece in enumerate(re.split(_SPAN, line(text, most).strip())):
        added = code(piece, most) if at % 2 else _flow(piece, most)
        shown += f" {added}" if shown.endswith("`") and added.startswith("`") else added
    return shown or "–"


def code(text: str, most: int = 200) -> str:
    """A code span of Markdown: nothing in it is Markdown, HTML, a mention, a link or an issue."""
    inner = line(text, most).strip() or "–"
    ticks = "`" * (longest_run(inner) + 1)
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{ticks}{pad}{inner}{pad}{ticks}"


def cell(text: str, most: int = 200) -> str:
    """The same in a table, where a pipe would end the cell, in some dialects even in a code span."""
    return html(text, most) if "|" in text else prose(text, most)


def html(text: str, most: int = 200) -> str:
    """A `<code>` element: what is neither letter, digit nor space is a character reference."""
    inner = line(text, most).strip() or "–"
    return f"<code>{re.sub(_SPECIAL, lambda found: f'&#{ord(found.group())};', inner)}</code>"


def fence(text: str, info: str = "") -> str:
    """A fenced block of Markdown that its content cannot close."""
    inner = block(text).rstrip("\n")
    ticks = "`" * max(3, longest_run(inner) + 1)
    return f"{ticks}{info}\n{inner}\n{ticks}"


def longest_run(text: str) -> int:
    """How many back-ticks stand in a row at most."""
    return max((len(found) for found in re.findall(_TICKS, text)), default=0)


def label(text: str, most: int = 40) -> str:
    """Words for a mermaid diagram: letters, digits, spaces and a few signs that mean nothing there."""
    words = re.sub(_NOT_LABEL, " ", line(text, most * 4))
    return " ".join(words.split())[:most].strip() or "–"


def data(text: str, most: int = 4_000) -> str:
    """The message of a workflow command; lines are kept."""
    cut = block(text[:most] + MORE if len(text) > most else text)
    return cut.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def attribute(text: str, most: int = 500) -> str:
    """A property of a workflow command."""
    return data(line(text, most)).replace(":", "%3A").replace(",", "%2C")


def json_text(encoded: str) -> str:
    """JSON text that says the same, with everything unseen and every workflow command written as `\\u….`."""
    if not encoded.isascii() or "\x7f" in encoded:
        unseen = [found for found in set(encoded) if re.match(_UNSEEN, found)]
        encoded = encoded.translate({ord(found): _escaped(found) for found in unseen}) if unseen else encoded
    return encoded.replace("##", "#\\u0023") if "##" in encoded else encoded


def unicode(text: str) -> str:
    """Without lone surrogates, which no encoding knows."""
    return text.encode("utf-8", "replace").decode("utf-8", "replace")


def _is_plain(word: str) -> bool:
    """Whether it holds nothing that Markdown or GitHub could read."""
    return bool(re.fullmatch(_PROSE, word)) and not re.search(_READ, word)


def _flow(piece: str, most: int) -> str:
    """Word by word; spaces at either end stay one space."""
    groups = groupby(piece.split(), key=_is_plain)
    shown = " ".join(" ".join(group) if plain else code(" ".join(group), most) for plain, group in groups)
    return f"{' ' * piece.startswith(' ')}{shown}{' ' * (bool(shown) and piece.endswith(' '))}"


def _clean(text: str) -> str:
    if "\x1b" in text or "\x9b" in text:
        text = re.sub(_CSI, "", text)
    return re.sub(_UNSEEN, MARK, re.sub(_SPACES, " ", re.sub(_ENDS, "\n", text)))


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
