"""A fleet on the dashboard: its group, its page, its button, over a real emulator; and a thousand members."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.bench import Page, Site, Visitor, dashboard, site
from tests.dashboard.fleets import MEMBERS, shop

pytestmark = pytest.mark.slow
PAGE = "/fleets/shop"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An emulator of its own: the time that these tests take would pass on the charts of others."""
    with site(tmp_path_factory.mktemp("fleets")) as found:
        yield found


@pytest.fixture(scope="module")
def fleet(stand: Site) -> Iterator[Path]:
    """Four shops, the first of them at 10 %; and a fleet that is none."""
    odd = stand.folder / "odd.fleet.yml"
    odd.write_text("version: 1\nkind: fleet\nname: odd\nwaves: []\n")
    with shop(stand) as found:
        yield found
    odd.unlink()


@pytest.fixture(scope="module")
def guest(stand: Site, fleet: Path) -> Iterator[Visitor]:
    """Somebody before a dashboard of that folder."""
    with dashboard(stand) as own:
        yield Visitor(own)


def shows(visitor: Visitor, path: str, text: str) -> Page:
    """That page, as soon as it says so."""
    for _ in range(40):
        found = visitor.page(path)
        if text in found.text:
            return found
        time.sleep(0.25)
    raise AssertionError(found.text)


def test_a_group_with_its_waves_in_order(guest: Visitor) -> None:
    """State, members, the budget, what a wave waits for; each member leads to its endpoint's page."""
    found = shows(guest, "/", "waits for canary")
    text = found.text
    assert "shop ▶ releasing 0 of 4 members settled 3 pending, 1 in flight" in text
    assert "Error budget 0 failed, 1 may" in text
    assert "canary ▶ open 0/1 settled ~ shop-lu in flight, 10 %" in text
    waits = "waits for canary (open, 0 of 1 settled)"
    assert f"west · waiting 0/2 settled {waits} · shop-nl pending · shop-be pending" in text
    assert f"south · waiting 0/1 settled {waits} · shop-es pending" in text
    assert {name: found.links[name] for name in MEMBERS} == {name: f"/rollouts/emulator/{name}" for name in MEMBERS}
    assert found.links["shop"] == PAGE
    assert re.search(r"shop-lu fleet shop , wave canary", text)


def test_what_it_says_is_what_status_says(guest: Visitor, stand: Site, fleet: Path) -> None:
    """The same reasons, states and weights, wave by wave and member by member."""
    found = shows(guest, PAGE, "waits for canary")
    assert stand.rollout("status", fleet, "-o", f"json={stand.folder / 'status.json'}") == 0
    said = json.loads((stand.folder / "status.json").read_text())
    assert said["reason"] in found.text
    for wave in said["waves"]:
        assert f"{wave['name']}" in found.text
        for one in wave["members"]:
            state = one["state"].replace("_", " ")
            sign = {"pending": "·", "in flight": "~"}[state]
            row = f"{one['name']} {wave['name']} {sign} {state} {one['weight']} % {one['stage'] or '–'} {one['reason']}"
            assert row in found.text


def test_the_waves_as_a_picture(guest: Visitor) -> None:
    """A box for each wave with its state in words, an arrow for each that waits, the same in words and as a table."""
    found = shows(guest, PAGE, "waits for canary")
    (drawn,) = [known for tag, known in found.tags if known.get("class") == "waves-picture"]
    assert drawn["role"] == "img"
    assert drawn["aria-label"] == (
        "The waves of shop. canary: open, 1 in flight; west, after canary: waiting, 2 pending; "
        "south, after canary: waiting, 1 pending"
    )
    arrows = [known["d"] for tag, known in found.tags if known.get("class") == "arrow"]
    assert len(arrows) == 2
    assert all(re.fullmatch(r"[MLC0-9 ]*", path) for path in arrows)
    assert "canary ▶ open 0 of 1 west · waiting 0 of 2 south · waiting 0 of 1" in found.text


def test_some_of_its_members(guest: Visitor) -> None:
    """By wave, by state, by name; what is not there is said."""
    shows(guest, PAGE, "waits for canary")
    assert "2 of 4 members" in guest.page(f"{PAGE}?wave=west").text
    assert "1 of 4 members" in guest.page(f"{PAGE}?state=in_flight").text
    assert "1 of 4 members" in guest.page(f"{PAGE}?q=-ES").text
    assert "No member is like that." in guest.page(f"{PAGE}?state=failed").text
    assert guest.get("/fleets/nobody").status_code == 404


def test_a_member_s_own_page(guest: Visitor) -> None:
    """It is the page of a rollout, with its buttons, and leads back to the fleet."""
    found = guest.page("/rollouts/emulator/shop-lu")
    assert found.links["fleet shop"] == PAGE
    assert "waiting for approval" in found.text
    assert found.links["Approve"] == "/rollouts/emulator/shop-lu/approve"


def test_read_only(stand: Site, fleet: Path) -> None:
    """No button, and nothing behind it. The template is no plan of its own, so a member is there once."""
    with dashboard(stand, "--read-only") as own:
        found = shows(Visitor(own), "/?q=shop-lu", "waits for canary")
        assert "1 of" in found.text
        assert found.html.count('id="row-emulator-shop-lu"') == 1
        assert "Roll back" not in Visitor(own).page(PAGE).links
        assert Visitor(own).post(f"{PAGE}/rollback", {"why": "x"}).status_code == 403


def test_a_fleet_that_cannot_be_read(guest: Visitor) -> None:
    """Its group says why; nothing else suffers."""
    assert "odd.fleet.yml ! cannot be read" in shows(guest, "/", "cannot be read").text
    assert "Its waves are not known." in guest.page("/fleets/odd.fleet.yml").text
    assert "waits for canary" in guest.page(PAGE).text


def test_the_button_takes_every_member_back(guest: Visitor, stand: Site, fleet: Path) -> None:
    """It shows what would be done to whom, wants a reason and our token, and does what the command does."""
    asking = guest.page(f"{PAGE}/rollback")
    assert "Roll back shop?" in asking.text
    assert "shop-lu: traffic blue 90, green 10 → blue 100" in asking.text
    assert "3 of 4 members stay as they are" in asking.text
    answer = guest.get(f"{PAGE}/hold")
    assert (answer.status_code, "Not here" in answer.text) == (404, True)
    assert guest.post(f"{PAGE}/rollback", {"why": "because"}).status_code == 403
    assert guest.post(f"{PAGE}/rollback", {**asking.inputs, "why": " "}).status_code == 400
    assert stand.split("shop-lu") == {"blue": 90, "green": 10}
    done = guest.press(f"{PAGE}/rollback", "customers call")
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    assert stand.split("shop-lu") == {"blue": 100}
    found = shows(guest, PAGE, "1 failed")
    assert "shop-lu canary ✗ failed 0 %" in found.text
    assert "not now: no member has anything to give back" in found.text
    answer = guest.get(f"{PAGE}/rollback")
    assert (answer.status_code, "no member has anything to give back" in answer.text) == (409, True)
