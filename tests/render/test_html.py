"""Pages of stories whose every text is foreign and means ill, and of generated numbers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.history import Event
from rollout.ports import Reading
from rollout.render.document import Document, Measurement
from rollout.render.html.charts import HEIGHT, Curve, chart, nice
from rollout.render.html.pages import report
from rollout.render.story import Story
from tests.render import nasty

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ELEMENTS = frozenset((
    "html", "head", "meta", "title", "link", "style", "body", "header", "span", "main", "h1", "h2", "h3", "h4",
    "h5", "section", "p", "strong", "svg", "rect", "dl", "div", "dt", "dd", "ol", "li", "b", "br", "code", "ul",
    "article", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "path", "details",
    "summary", "a",
))  # fmt: skip


class Elements(HTMLParser):
    """Every element of a page, every event handler, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names, self.handlers, self.links = set[str](), list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.handlers.append(name)
            if name in ("href", "src"):
                self.links.append(value or "")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), nasty.TEXTS)
def test_a_report_is_ours_alone(seed: int, texts: list[str]) -> None:
    """No element, handler or link of theirs, and nothing unseen; whatever tags, models and containers say."""
    document = nasty.made(Document, seed, texts)
    assert isinstance(document, Document)
    text = texts[0]
    story = Story(
        document=replace(document, observed_at=START + timedelta(hours=1)),
        place=text,
        untold=text,
        start=START,
        events=(
            Event(at=START, target=text, what=text, who=text, commit=text, run="javascript:alert(1)", approved=text),
        ),
        readings=(Reading(at=START, deployment=text, requests=5, bad=1, p50=0.1, p95=0.2),),
        measurements=(Measurement(gate=text, outcome=text, reason=text, log=tuple(texts), evidence={"checks": texts}),),
    )
    html = report(story)
    found = Elements(html)
    assert found.names <= ELEMENTS
    assert found.handlers == []
    assert [link for link in found.links if link != "data:,"] == []
    assert nasty.unseen(html) == set()


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=50))
def test_a_chart_stays_in_its_frame(values: list[float | None]) -> None:
    """Whatever is measured: only path commands and numbers, none above the top or below the bottom."""
    points = tuple((START + timedelta(minutes=number), value) for number, value in enumerate(values))
    end = START + timedelta(minutes=len(values))
    for stepped in (False, True):
        made = chart("c", "C", "", [Curve(name="a", look="stable", points=points, stepped=stepped)], START, end)
        (path,) = made.paths
        assert re.fullmatch(r"[MLHVh0-9. e+-]*", path.d)
        heights = [float(found) for found in re.findall(r"[ML][\d.]+ ([\d.]+)", path.d)]
        assert all(0 <= height <= HEIGHT for height in heights)
        assert made.empty == all(value is None for value in values)


@given(st.floats(1e-6, 1e9))
def test_a_top_is_round_and_near(value: float) -> None:
    """Not below the value, and at most two and a half times as high."""
    assert value * 0.9998 <= nice(value) <= value * 2.6
