"""Documents whose every text is foreign and means ill, and what no form of them may do."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from rollout.render.document import AnyDocument, Document, Failure, Fleet, Reconciliation, Validation

BANK = (
    "```", "````", "~~~", "`", "</details>", "</summary>", "<details>",
    "<script>alert(1)</script>", "<!-- ", "-->", "<b>",
    "@everyone", "@org/team", "#123", "GH-1", "owner/repo#7", "https://evil.example/x", "www.evil.example", ":tada:",
    "[a](http://x)", "![i](http://x/y.png)", "[^1]", "> [!NOTE]", "# head", "- [ ] task", "***",
    "---", "$x^2$", "$`x`$",
    "::error file=a::b", "::add-mask::x", "::set-output name=a::b", "  ::warning::w",
    "##[add-path]/evil", "##vso[task.x]y",
    "%0A::error::x", "\n::stop-commands::t\n", "\n```\n</details>\n<h1>mine</h1>\n", "ROLLOUT_END",
    "\nROLLOUT_END\nkey=1",
    "\x1b[2J", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x00", "\x07", "\x7f",
    "\u202e", "\u2066", "\u200b",
    "\ufeff", "\U000e0041", "\ud800", "\udfff", "\r", "\r\n", "\n", "\n\n", "\u2028", "\x85", "\t",
    " ", "|", "\\|", "\\",
    "]]>", "&lt;", "&#64;x", '"', "'", "%%{init: {}}%%", "click s0 call x()", "end", "a", "word", "é", "漢", "😀",
)  # fmt: skip
TEXT = st.lists(st.one_of(st.sampled_from(BANK), st.text(max_size=8)), max_size=8).map("".join)
TEXTS = st.lists(TEXT, min_size=1, max_size=5)
KINDS: tuple[type[AnyDocument], ...] = (Document, Validation, Failure, Reconciliation, Fleet)
WHEN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def made(kind: type[AnyDocument], seed: int, texts: list[str]) -> AnyDocument:
    """A document of that kind, all of whose texts are among `texts`; a new field of a struct comes by itself."""
    found: AnyDocument = _value(msgspec.inspect.type_info(kind), random.Random(seed), texts)
    return found


ANY = st.builds(made, st.sampled_from(KINDS), st.integers(0, 2**32), TEXTS)


def _value(info: Any, dice: random.Random, texts: list[str]) -> Any:
    match info:
        case inspect.StrType(pattern=None):
            return dice.choice(texts)
        case inspect.StrType(pattern=pattern):
            return "1.1" if "1" in str(pattern)[:3] else "0123456789abcdef"
        case inspect.IntType(ge=least, le=most):
            return dice.randint(int(least or 0), int(most or 20))
        case inspect.FloatType():
            return dice.random()
        case inspect.BoolType():
            return dice.random() < 0.5
        case inspect.NoneType():
            return None
        case inspect.DateTimeType():
            return WHEN
        case inspect.LiteralType(values=values):
            return dice.choice(values)
        case inspect.EnumType(cls=words):
            return dice.choice(list(words))
        case inspect.Metadata(type=inner):
            return _value(inner, dice, texts)
        case inspect.UnionType(types=types):
            return _value(dice.choice(types), dice, texts)
        case inspect.VarTupleType(item_type=item):
            return tuple(_value(item, dice, texts) for _ in range(dice.randint(0, 4)))
        case inspect.DictType(key_type=key, value_type=value):
            return {_value(key, dice, texts): _value(value, dice, texts) for _ in range(dice.randint(0, 2))}
        case inspect.StructType(cls=struct, fields=fields):
            return struct(**{one.name: _value(one.type, dice, texts) for one in fields})
        case inspect.AnyType():
            text = dice.choice(texts)
            return dice.choice([None, True, 7, text, {text: text}, [text]])
    raise AssertionError(f"no value for {info}")


_COMMAND = re.compile(r"##\[|##vso\[")


def commands(text: str) -> Iterator[str]:
    """The lines that a runner would take for workflow commands (.NET's `TrimStart`, `ActionCommand.cs`)."""
    for line in re.split(r"[\r\n]", text):
        if line.strip().startswith("::") or _COMMAND.search(line):
            yield line


def unseen(text: str) -> set[str]:
    """What is in it that is not seen, or moves what is: controls, formats, surrogates, private use, other line ends."""
    return {one for one in set(text) - {"\n"} if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
