"""The hidden marker: read back as it was, and nothing in it ends the comment that it is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import UsageError
from rollout.forge.marker import ROOM, Marker, marked, marker_of, same, without_marker

NAMES = st.text(st.characters(codec="utf-8"), max_size=100)


@given(NAMES, NAMES, st.text(max_size=50).filter(lambda text: text == text.strip()))
def test_it_is_read_back(plan: str, environment: str, body: str) -> None:
    """Any name, however hostile; the body is untouched, and the marker is within its room."""
    marker = Marker(kind="comment", plan=plan, environment=environment, digest="0123456789abcdef")
    text = marked(marker, body)
    assert marker_of(text) == marker
    head, _, rest = text.partition("\n\n")
    assert (head[:4], head[-3:]) == ("<!--", "-->")
    assert "--" not in head[4:-3]
    assert rest == body
    assert len(text) - len(body) <= ROOM
    if "\r" not in body:
        assert without_marker(text) == body


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "<!-- azureml-rollout {} -->",
        "<!-- azureml-rollout {]} -->",
        'a\n\n<!-- azureml-rollout {"kind":"comment","plan":"a"} -->',
    ],
)
def test_no_marker(body: str) -> None:
    """A broken one, or one further down (quoted from another comment), is none."""
    assert marker_of(body) is None


def test_line_ends_do_not_count() -> None:
    """A form's answer has other line ends than what was sent."""
    assert same("a\r\nb\r\n", "a\nb")
    assert not same("a\nb", "a b")


def test_a_name_beyond_reason_is_refused() -> None:
    """No plan has one."""
    with pytest.raises(UsageError, match="longer than 100 characters"):
        marked(Marker(kind="drift", plan="x" * 101), "")
