"""How a page is read, and compared."""

from __future__ import annotations

import pytest

from tests.pages.console import Command, agrees, commands

PAGE = """
```console
$ one
a
b … c
$ two && three
```

```yaml
$ not: this
```

```console
$ four
…
```
"""


def test_what_a_page_shows() -> None:
    """Commands with their output, from blocks for consoles alone."""
    assert commands(PAGE) == [
        Command("one", ("a", "b … c")),
        Command("two && three", ()),
        Command("four", ("…",)),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "whether"),
    [
        ((), "anything\n", True),
        (("a",), "a\n", True),
        (("a",), "b\n", False),
        (("a",), "a\nb\n", False),
        (("a", "…"), "a\n", True),
        (("a", "…", "d"), "a\nb\nc\nd\n", True),
        (("a", "…", "d"), "a\nb\nc\n", False),
        (("x … z",), "x y y z\n", True),
        (("x … z",), "x\nz\n", False),
        (("(a.b)",), "(a-b)\n", False),
    ],
)
def test_what_agrees(shown: tuple[str, ...], printed: str, whether: bool) -> None:
    """An ellipsis stands for part of a line, or for lines; everything else is literal."""
    assert agrees(shown, printed) is whether
