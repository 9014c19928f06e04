"""Target: Markdown. The input gives the texts of a document, and how it is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollout.render.markdown import COMMENT_LIMIT, LEAST, markdown
from tests.fuzz.target import Target, as_json, spelt
from tests.render.nasty import BANK, KINDS, made
from tests.render.test_markdown import faults


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _markdown(data: bytes) -> str:
    """Closed, harmless and below its limit, whatever the texts are."""
    value = as_json(data)
    value = value if isinstance(value, Mapping) else {}
    given = value.get("texts")
    texts = [str(text) for text in given] if isinstance(given, list) and given else [str(given)]
    document = made(KINDS[_whole(value.get("kind")) % len(KINDS)], _whole(value.get("seed")), texts)
    limit = max(LEAST, min(COMMENT_LIMIT, _whole(value.get("limit")) or COMMENT_LIMIT))
    text = markdown(document, limit)
    assert len(text.encode()) <= limit
    assert text.startswith("### ")
    assert list(faults(text)) == []
    return type(document).__name__


_PIECES: Final = [text for text in BANK if text.isprintable()]
MARKDOWN: Final = Target(
    name="markdown",
    seeds=tuple(
        spelt({"kind": kind, "seed": kind * 7 + at, "limit": 8000 * at, "texts": _PIECES[at::6]})
        for kind in range(len(KINDS))
        for at in range(3)
    ),
    trial=_markdown,
    tree="json",
)
