"""docs/tags.md shows every tag that there is, as it is written."""

from __future__ import annotations

from pathlib import Path

from rollout.core import stamp
from rollout.core.our_tags import PREFIX
from rollout.core.progress import from_tags, to_tags
from tests.pages.tags_page import MEANING, OF_A_DEPLOYMENT, WHOLE, page

COMMITTED = Path(__file__).parents[2] / "docs/tags.md"


def test_the_page_is_the_generated_one() -> None:
    """Made anew by `make pages`."""
    assert COMMITTED.read_text(encoding="utf-8") == page()


def test_every_tag_of_an_endpoint_is_told() -> None:
    """A record in which every field has a value writes no other tags; it is read back as it was."""
    empty = type(WHOLE)(plan="x")
    fields = [name for name in WHOLE.__struct_fields__ if name != "plan"]
    assert [name for name in fields if getattr(WHOLE, name) == getattr(empty, name)] == []
    assert set(to_tags(WHOLE)) == {PREFIX + name for name in MEANING}
    assert from_tags(to_tags(WHOLE)) == WHOLE


def test_every_tag_of_a_deployment_is_told() -> None:
    """By the constants of their module."""
    assert set(OF_A_DEPLOYMENT) == {value for name, value in vars(stamp).items() if name.endswith("_TAG")}
