"""Markdown: below its limit, closed, the most important first; and foreign text stays in its fence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rollout.core.decision import StageState
from rollout.render import harmless
from rollout.render.budget import Block, fitted
from rollout.render.document import AnyDocument, Change, Document, Stage, Step
from rollout.render.markdown import COMMENT_LIMIT, LEAST, markdown
from rollout.render.timeline import MOST, timeline
from tests.render import nasty, worlds
from tests.render.test_hostile_texts import huge

MANY = settings(
    max_examples=int(os.environ.get("ROLLOUT_NASTY", "100")), deadline=None, suppress_health_check=list(HealthCheck)
)
SMALLEST = LEAST
READER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
_REFERENCES = r"(?:&#\d+;|[A-Za-z0-9 ])*"
_CODE = rf"<code>{_REFERENCES}</code>"
_OUR_BLOCK = re.compile(rf"<details>\n<summary>[\w ']*(?:{_CODE})?[\w ']*</summary>\n?|</details>\n?")
_OUR_INLINE = re.compile(r"<br>|</?code>")
_LINKED = re.compile(r"@\w|#\d|\bgh-\d|https?:|www\.|:(?!\d\d:)[\w+-]+:|\$", re.IGNORECASE)
_HEADINGS = re.compile(
    r"[📝⏳⏸✅⛔↩️]+ .*|Hazards|Policy|Notes|Still to come, if every gate passes"
    r"|Pending: the plan says so, it is not live yet"
    r"|Drift: changed outside, not by the plan \(- is live, \+ is declared\)"
)
_NODE = r'(?:s\d+|before|after)(?:\["[^"\[\]{}<>#;&%`:@|\\]*"\]|\(\["[^"\[\]{}<>#;&%`:@|\\]*"\]\)):::[a-z]+'
_CHAIN = re.compile(rf"  {_NODE}(?: --> {_NODE})*")


def tokens(text: str) -> Iterator[Token]:
    """All tokens, those of inline text too."""
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def faults(text: str) -> Iterator[str]:
    """What is wrong with a comment of ours."""
    lines = text.split("\n")
    opened, quoted = 0, False  # GitHub links nothing inside `<code>`
    for token in tokens(text):
        if token.type == "fence":
            assert token.map is not None
            if lines[token.map[1] - 1].strip() != token.markup:
                yield f"a fence is not closed: {token.content[:80]!r}"
            if token.info not in ("diff", "text", "mermaid"):
                yield f"a fence of somebody else: {token.info!r}"
            if token.info == "mermaid":
                yield from diagram_faults(token.content)
        elif token.type == "html_block":
            opened += token.content.count("<details>") - token.content.count("</details>")
            if not _OUR_BLOCK.fullmatch(token.content):
                yield f"HTML of somebody else: {token.content!r}"
        elif token.type == "html_inline":
            quoted = token.content == "<code>"
            if not _OUR_INLINE.fullmatch(token.content):
                yield f"HTML of somebody else: {token.content!r}"
        elif token.type in ("link_open", "image", "blockquote_open", "code_block", "ordered_list_open", "hr", "s_open"):
            yield f"{token.type}: {token.content!r}"
        elif token.type == "text" and not quoted and _LINKED.search(token.content):
            yield f"GitHub would read it: {token.content!r}"
        if opened not in (0, 1):
            yield "details in details"
    if opened:
        yield "details are not closed"
    yield from heading_faults(text)
    yield from (f"a command: {line!r}" for line in nasty.commands(text))
    yield from (f"unseen: {one!r}" for one in nasty.unseen(text))


def heading_faults(text: str) -> Iterator[str]:
    """Headings that are not ours."""
    found = READER.parse(text)
    for at, token in enumerate(found):
        if token.type == "heading_open":
            shown = "".join(child.content for child in found[at + 1].children or ())
            if not _HEADINGS.fullmatch(shown):
                yield f"a heading of somebody else: {shown!r}"


def diagram_faults(text: str) -> Iterator[str]:
    """What in a diagram is not a chain of our nodes."""
    first, chain, *looks = text.splitlines()
    if first != "flowchart LR" or not _CHAIN.fullmatch(chain):
        yield f"a diagram of somebody else: {chain!r}"
    yield from (f"a look of somebody else: {one!r}" for one in looks if not one.startswith("  classDef "))


@MANY
@given(nasty.ANY, st.sampled_from([SMALLEST, 20_000, COMMENT_LIMIT, 1_048_576]))
def test_any_document_is_closed_and_harmless_within_any_limit(document: AnyDocument, limit: int) -> None:
    """Its title is there, its bytes are below the limit, and nothing in it is anybody else's."""
    text = markdown(document, limit)
    assert len(text.encode()) <= limit
    assert text.startswith("### ")
    assert list(faults(text)) == []


@pytest.mark.parametrize("name", worlds.documents())
def test_what_we_write_ourselves_is_closed(name: str) -> None:
    """In every situation."""
    assert list(faults(markdown(worlds.documents()[name]))) == []


@pytest.mark.parametrize("piece", ["x ", "`", "\n", "é", "😀 a ", "``` ", "</details>\n", "|", "@a ", "\\"])
@pytest.mark.parametrize("limit", [SMALLEST, COMMENT_LIMIT])
def test_ten_megabytes_of_anything_fit_and_stay_closed(piece: str, limit: int) -> None:
    """Log, reason, notes and failure all at once; the title and the verdict are always there."""
    text = markdown(huge(piece), limit)
    assert len(text.encode()) <= limit
    assert list(faults(text)) == []
    assert text.startswith("### ↩️ `plan`: rolled back\n")


def test_a_limit_that_is_too_small_is_refused() -> None:
    """Rather than a comment without a title."""
    for limit, whole in ((SMALLEST - 1, "there"), (SMALLEST, "x" * 1_001)):
        with pytest.raises(ValueError, match="are too few for a document"):
            markdown(worlds.documents()["converged"], limit, whole=whole)


def large() -> Document:
    """Thousands of fields that change, drift and stay; one deletion at the very end."""
    base = worlds.told(worlds.at_ten_percent())
    changes = tuple(Change(path=f"environment_variables.V{n}", before="a", after="b") for n in range(3_000))
    steps = (
        Step(kind="deploy", target="green", text="deploy green", sign="+", changes=changes),
        Step(kind="delete", target="blue", text="delete blue", sign="-", hazards=("deletes-deployment",)),
    )
    return msgspec.structs.replace(base, actions=steps, drift=changes, notes=("a note",) * 500)


def test_the_most_important_stays() -> None:
    """What is destroyed, hazards, drift, the way back and the digest are there; the rest is counted and named."""
    text = markdown(large(), 20_000)
    assert "- 2. delete blue   ⚠ deletes-deployment" in text
    assert "#### Drift: changed outside" in text
    assert "#### Hazards" in text
    assert "**Way back**" in text
    assert "**Digest** `0123456789abcdef`" in text
    assert re.search(r"\n… and \d+ more\n```", text)
    last = text.rsplit("\n\n", 1)[-1]
    assert re.fullmatch(
        r"_There was no room for all\. Left out: (?:[a-z ]+ \(\d+\)(?:, )?)+\. The whole: "
        r"`--output json=FILE`, and `rollout render FILE`\._",
        last,
    )
    assert 15_000 < len(text.encode()) <= 20_000


def test_of_a_log_the_end_stays() -> None:
    """The last line of a long log is what went wrong."""
    base = worlds.gate_failed()
    assert base.result is not None
    log = tuple(f"line {n} {'x' * 150}" for n in range(1_000))
    said = msgspec.structs.replace(base.result.measurements[0], log=log)
    ended = msgspec.structs.replace(base.result, measurements=(said,))
    text = markdown(msgspec.structs.replace(base, result=ended), SMALLEST)
    assert "line 999 " in text
    assert "line 0 " not in text
    assert re.search(r"```text\n… and \d+ more\nline \d+", text)


def test_where_the_whole_is_can_be_said() -> None:
    """A link of the publisher's, for example."""
    assert "The whole: [the log](https://x)._" in markdown(large(), 20_000, whole="[the log](https://x)")


BLOCKS = st.lists(
    st.builds(
        Block,
        rank=st.integers(0, 3),
        what=st.sampled_from(["fields", "logs"]),
        head=st.text("ab😀\n", max_size=40),
        items=st.lists(st.text("ab😀", max_size=30), max_size=30).map(tuple),
        tail=st.text("ab", max_size=5),
        last=st.booleans(),
    ),
    max_size=8,
)


@given(BLOCKS, st.integers(600, 3_000))
def test_blocks_fit_whatever_they_are(blocks: list[Block], limit: int) -> None:
    """And where there is room for all, all of them are there as they are."""
    text = fitted(blocks, limit, "elsewhere")
    assert len(text.encode()) <= limit
    everything = "\n\n".join(block.with_items(len(block.items)) for block in blocks)
    if len(everything.encode()) <= limit:
        assert text == everything
    else:
        assert text.endswith("The whole: elsewhere._")


def test_a_better_rank_gets_room_first() -> None:
    """Though it stands last, and what is there keeps its order."""
    blocks = [
        Block(rank=9, what="a log", head="L" * 500),
        Block(rank=0, what="x", head="T"),
        Block(rank=1, what="y", head="U"),
    ]
    assert fitted(blocks, 450, "there").startswith("T\n\nU\n\n_There was no room for all. Left out: a log (1).")


def test_a_long_way_is_shown_around_its_place() -> None:
    """At most so many stages, with the number of those before and after."""
    stages = tuple(
        Stage(name=f"s{n}", kind="bake", label=f"bake {n}m", state=StageState.ACTIVE if n == 40 else StageState.PENDING)
        for n in range(100)
    )
    picture = timeline(stages)
    assert picture.count("bake") == MOST
    assert 'before["… 34 more"]' in picture
    assert 'after["… 42 more"]' in picture
    assert '(["▶ bake 40m"]):::active' in picture
    assert timeline(()) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 10 % of them", "plain words, 10 % of them"),
        ("say `rollback --to` twice", "say `rollback --to` twice"),
        ("ping @everyone about #12 now", "ping `@everyone` about `#12` now"),
        ("GH-1 and www.x.example", "`GH-1` and `www.x.example`"),
        ("a `b", "a `` `b ``"),
        ("`a``b`", "`a` `b`"),
        ("<b>x</b> *y*", "`<b>x</b> *y*`"),
        ("::error::x ##[y]", ": `:error::x # #[y]`"),
        ("deadbeef99", "`deadbeef99`"),
        ("", "–"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_prose_keeps_what_is_plain(text: str, shown: str) -> None:
    """And puts every other word into a code span."""
    assert harmless.prose(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("``", "``` `` ```"),
        ("a\nb", "`a b`"),
        ("", "`–`"),
        ("x" * 300, "`" + "x" * 199 + "…`"),
    ],
)
def test_code_spans_hold_their_content(text: str, shown: str) -> None:
    """Whatever back-ticks it has."""
    assert harmless.code(text) == shown
