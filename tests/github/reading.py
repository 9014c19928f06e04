"""What of a Markdown body is alive: everything outside of code spans, fences and character references."""

from __future__ import annotations

import re

FENCE = re.compile(r"^(`{3,})[a-z]*\n.*?\n\1$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:.*?[^`])\1(?!`)")
CODE = re.compile(r"<code>[^<]*</code>")
ALIVE = re.compile(
    r"@\w|#\d|GH-\d|https?://evil|www\.evil|<script|<b>|<h1|!\[|\]\(|\$\S|:tada:|^\s*(?:- \[ \]|\*\*\*|# head)",
    re.MULTILINE,
)


def alive(body: str) -> list[str]:
    """What people or machines would be led astray by: mentions, links, issues, HTML, headings of others."""
    left = CODE.sub("x", SPAN.sub("x", FENCE.sub("", body)))
    return ALIVE.findall(left)


def unclosed(body: str) -> list[str]:
    """Fences and folded parts that are not closed."""
    left = CODE.sub("x", SPAN.sub("x", FENCE.sub("", body)))
    found = ["```"] if re.search(r"^`{3,}", left, re.MULTILINE) else []
    return found + (["<details>"] if left.count("<details>") != left.count("</details>") else [])
