"""What the buttons do: the same as the commands, seen on the endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dashboard.bench import Page, Site, Visitor, dashboard

pytestmark = pytest.mark.slow
ROLLOUT = "/rollouts/emulator/button"


@pytest.fixture(scope="module")
def pushed(stand: Site) -> Iterator[Site]:
    """A rollout of its own, at 10 %."""
    plan = stand.at_ten("button")
    yield stand
    plan.unlink(missing_ok=True)
    stand.rollout("destroy", "--endpoint", "button", "--yes")


def test_every_button(pushed: Site) -> None:
    """Hold, resume, approve, promote and roll back, one after the other, each with its reason on record."""
    with dashboard(pushed) as own:
        visitor = Visitor(own)
        visitor.page("/")
        plan = pushed.folder / "button.rollout.yml"

        assert visitor.press(f"{ROLLOUT}/hold", "odd chart").headers["location"] == ROLLOUT
        held = visitor.page(ROLLOUT)
        assert "held by ann: odd chart" in held.text
        assert "Resume" in held.links
        assert "Promote" not in held.links

        assert visitor.press(f"{ROLLOUT}/resume", "it was the chart").status_code == 303
        assert visitor.press(f"{ROLLOUT}/promote", "seen enough").status_code == 303
        assert "promoted past watch by ann: seen enough" in visitor.page(ROLLOUT).text

        assert visitor.press(f"{ROLLOUT}/approve", "looks good").status_code == 303
        assert pushed.rollout("apply", plan, "--auto-approve") == 0
        assert pushed.split("button") == {"blue": 50, "green": 50}

        asking = visitor.page(f"{ROLLOUT}/rollback")
        assert "traffic blue 50, green 50 → blue 100" in asking.text
        assert visitor.press(f"{ROLLOUT}/rollback", "customers call").status_code == 303
        assert pushed.split("button") == {"blue": 100}
        ended = visitor.page(ROLLOUT)
        assert "rolled back by ann: customers call" in ended.text
        _refusals(visitor, ended)


def _refusals(visitor: Visitor, ended: Page) -> None:
    """After the end: what cannot be done any more says why, also behind the page."""
    assert "Promote" not in ended.links
    assert "not now: this goal has failed" in ended.text
    answer = visitor.get(f"{ROLLOUT}/promote")
    assert (answer.status_code, "this goal has failed" in answer.text) == (409, True)


def test_a_reason_is_needed(visitor: Visitor) -> None:
    """The question comes again, and nothing was done."""
    path = "/rollouts/emulator/house/hold"
    answer = visitor.post(path, {**visitor.page(path).inputs, "why": "  "})
    assert (answer.status_code, "A reason is needed: it goes on record." in answer.text) == (400, True)


def test_a_yes_is_to_what_was_shown(stand: Site, visitor: Visitor) -> None:
    """The plan was changed between the question and the yes: it is asked again."""
    path = "/rollouts/emulator/house/approve"
    asking = visitor.page(path)
    plan = stand.folder / "house.rollout.yml"
    text = plan.read_text()
    try:
        plan.write_text(text.replace("traffic: 50", "traffic: 60"))
        answer = visitor.post(path, {**asking.inputs, "why": "fine"})
    finally:
        plan.write_text(text)
    assert answer.status_code == 409
    assert "what follows is not what was shown any more. Look at it again." in answer.text
    assert "approved ok by ann: fine" not in visitor.page("/rollouts/emulator/house").text
