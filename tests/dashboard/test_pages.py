"""What the pages show, without JavaScript, of rollouts on a real emulator."""

from __future__ import annotations

import re
import time

import pytest

from tests.dashboard.bench import Page, Site, Visitor

pytestmark = pytest.mark.slow


def test_all_endpoints_at_a_glance(visitor: Visitor) -> None:
    """Name, phase, split, stage, next event; those that nobody has begun are there too."""
    found = visitor.page("/?sort=name")
    assert re.search(r"(\d) of \1 endpoints", found.text)
    assert "releasing" in found.text
    assert "blue 90 % · green 10 %" in found.text
    assert re.search(r"bake 2h \(watch\) 2 ?/ ?8", found.text)
    assert "next pass: create endpoint churn" in found.text
    assert found.links["house"] == "/rollouts/emulator/house"


def test_filters_and_orders(visitor: Visitor) -> None:
    """By name and by phase; what is not there is said."""
    assert re.search(r" 1 of \d endpoints .* house ", visitor.page("/?q=hous").text)
    assert re.search(r" [12] of \d endpoints .* churn ", visitor.page("/?phase=first_release").text)
    assert "No endpoint is like that." in visitor.page("/?phase=held").text


def test_one_rollout_in_full(visitor: Visitor) -> None:
    """Stages with configured and measured split, charts, evidence, what comes, history with who wrote it."""
    found = visitor.page("/rollouts/emulator/house")
    assert "configured 10 % measured" in found.text
    share = re.search(r"configured 10 % measured ([\d.]+) %", found.text)
    assert share is not None
    assert 4 < float(share[1]) < 12  # at this speed minutes pass before the weights are in force
    titles = ("Traffic split", "Requests a minute", "Errors", "Latency, 95th percentile")
    assert [title for title in titles if title not in found.text] == []
    assert re.search(r"watch (INCONCLUSIVE|PASS)", found.text)
    assert re.search(r"not worse E \S+ of 20", found.text)
    assert "~ traffic blue 90, green 10 → blue 50, green 50" in found.text
    assert "a failed gate, or `rollout rollback`, gives all traffic back to blue in one write" in found.text
    assert re.search(r"\d\dZ house traffic-10 ann", found.text)
    assert re.search(r"created with revision \w{10} ann \*", found.text)


def test_every_line_of_a_chart_is_a_path(visitor: Visitor) -> None:
    """Only numbers and the letters of path commands, and as many lines as deployments."""
    found = visitor.page("/rollouts/emulator/house")
    drawn = [known for tag, known in found.tags if tag == "path" and known.get("class") in ("stable", "candidate")]
    assert len([path for path in drawn if len(path["d"]) > 100]) >= 7
    assert all(re.fullmatch(r"[MLHVh0-9. ]*", path["d"]) for path in drawn)


def test_an_endpoint_without_a_plan(stand: Site, visitor: Visitor) -> None:
    """It is listed with what its tags tell, and its page offers what needs no plan."""
    stand.released("lonely")
    (stand.folder / "lonely.rollout.yml").unlink()
    try:
        found = _until(visitor, "/?q=lonely", "no plan")
        assert "its tags name the plan lonely, which is not here" in found.text
        page = visitor.page("/rollouts/emulator/lonely")
        assert page.links["Hold"] == "/rollouts/emulator/lonely/hold"
        assert "Approve" not in page.links
    finally:
        stand.rollout("destroy", "--endpoint", "lonely", "--yes")


def test_an_endpoint_that_is_not_there(visitor: Visitor) -> None:
    """A sentence, not a traceback."""
    answer = visitor.get("/rollouts/emulator/nowhere")
    assert (answer.status_code, "no endpoint emulator/nowhere is known here" in answer.text) == (502, True)


def _until(visitor: Visitor, path: str, text: str) -> Page:
    for _ in range(20):
        found = visitor.page(path)
        if text in found.text:
            return found
        time.sleep(0.3)
    raise AssertionError(found.text)
