"""Who is kept out, and what every answer forbids the browser."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import requests

from rollout.dashboard.guard import POLICY
from tests.dashboard.bench import Site, Visitor, dashboard

pytestmark = pytest.mark.slow
HOLD = "/rollouts/emulator/house/hold"


def test_another_name_is_turned_away(visitor: Visitor) -> None:
    """DNS rebinding: the right address by a foreign name."""
    answer = visitor.get("/", headers={"host": "evil.example"})
    assert (answer.status_code, answer.text) == (421, "This host name is not the dashboard's.\n")
    named = {"host": f"localhost:{urlsplit(visitor.root).port}"}
    assert requests.get(visitor.address, headers=named, timeout=10, allow_redirects=False).status_code == 303


def test_nobody_without_the_key(visitor: Visitor) -> None:
    """Another user of this machine; the page says what is missing, and nothing else."""
    for path in ("/", "/events", "/rollouts/emulator/house", HOLD):
        answer = requests.get(visitor.root + path, timeout=10)
        assert answer.status_code == 403
        assert answer.text == "Open the address that `rollout dashboard` has printed: it holds a key.\n"
    assert requests.get(f"{visitor.root}/?key=wrong", timeout=10).status_code == 403


def test_the_key_leaves_the_address(address: str) -> None:
    """It goes into a cookie that no script and no other site can use."""
    answer = requests.get(address, timeout=10, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]


def test_every_answer_is_locked_up(visitor: Visitor) -> None:
    """No foreign resource, no inline script or style, no frame, no cache."""
    for path in ("/", "/rollouts/emulator/house", "/static/style.css", "/nothing"):
        headers = visitor.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    html = visitor.get("/rollouts/emulator/house").text
    assert " style=" not in html
    assert "<style" not in html
    assert " onclick" not in html


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"why": "x"}, {}),
        ({"why": "x", "token": "wrong"}, {}),
        ({"why": "x", "token": ""}, {}),
        (None, {"origin": "https://evil.example"}),
        (None, {"origin": "null"}),
        (None, {"sec-fetch-site": "cross-site"}),
        (None, {"sec-fetch-site": "same-site"}),
    ],
)
def test_a_cross_site_request_does_nothing(
    stand: Site, visitor: Visitor, form: dict[str, str] | None, headers: dict[str, str]
) -> None:
    """Without our token, or sent by a page that is not ours."""
    before = stand.door("GET", "history?endpoint=house")["value"]
    given = {**visitor.page(HOLD).inputs, "why": "x"} if form is None else form
    answer = visitor.post(HOLD, given, headers=headers)
    assert (answer.status_code, "did not come from a page of this dashboard" in answer.text) == (403, True)
    assert stand.door("GET", "history?endpoint=house")["value"] == before


def test_a_form_that_is_too_long_is_no_form(visitor: Visitor) -> None:
    """It is read up to a limit."""
    given = {**visitor.page(HOLD).inputs, "why": "x" * 20_000}
    assert visitor.post(HOLD, given).status_code == 403


def test_read_only_has_no_buttons(stand: Site) -> None:
    """Neither on the page nor behind it."""
    with dashboard(stand, "--read-only") as address:
        visitor = Visitor(address)
        page = visitor.page("/rollouts/emulator/house")
        assert "read only" in page.text
        assert not {"Hold", "Roll back", "Promote"} & set(page.links)
        assert visitor.get(HOLD).status_code == 404
        assert visitor.post(HOLD, {"why": "x"}).status_code == 403
