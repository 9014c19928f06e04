"""Who moved what, when, from which commit: told by the endpoint itself."""

from __future__ import annotations

from msgspec.structs import replace

from rollout.core import commands
from rollout.core.canonical import read_deployment
from rollout.core.history import Event, history
from rollout.core.observed import Deployment, Endpoint
from rollout.core.stamp import born_stamp, provenance_properties
from tests.worlds import plans
from tests.worlds.history import History, finish
from tests.worlds.plane import NAME, START

LINE = "deploy, smoke, traffic 10, approval, traffic 100"
BY = {
    "actor": "ann",
    "commit": "c0ffee1234567890",
    "plan": "plan",
    "run": "https://ci/1",
    "approved": "0123456789abcdef",
}


def told(events: tuple[Event, ...]) -> list[tuple[str, str, str, str]]:
    """The words of a table."""
    return [(event.target, event.what, event.who, event.commit) for event in events]


def test_a_release_tells_who_did_what() -> None:
    """The creation from properties that nobody can alter, the rest from tags; a person's yes among it."""
    past = History(replace(plans.roles("v1", LINE), commit="aaaaaaaaaaaa", provenance={"actor": "bob"}))
    past.approve(past.run())
    past.run()
    past.release = replace(plans.roles("v2", LINE), commit=BY["commit"], provenance=BY)
    past.run()
    seen = finish(past.plane.observe(NAME))
    for action in commands.approve(past.release, seen, "eve", "looks good"):
        finish(past.plane.apply(action, seen.endpoint))
    past.run()
    live = past.live
    assert live is not None

    events = history(live)

    assert told(events)[-4:] == [
        ("green", "created with revision v2", "ann", BY["commit"]),
        (NAME, "2-traffic-10", "ann", "c0ffee1234"),
        (NAME, "approved 3-approval-0 by eve: looks good", "", "c0ffee1234"),
        (NAME, "promoted green", "ann", "c0ffee1234"),
    ]
    created = next(event for event in events if event.target == "green")
    assert created == Event(
        at=created.at,
        target="green",
        what="created with revision v2",
        who="ann",
        commit=BY["commit"],
        plan="plan",
        run="https://ci/1",
        approved="0123456789abcdef",
        lasting=True,
    )
    assert [event.at for event in events] == sorted(event.at or START for event in events)


def test_an_update_in_place_leaves_what_was_written_once() -> None:
    """The service never lets a property be altered, and we do not try."""
    past = History(replace(plans.roles("v1", "deploy, smoke, traffic 100"), provenance={"actor": "bob"}))
    past.run()
    past.release = replace(plans.roles("v2", "deploy, smoke, traffic 100"), provenance=BY)
    past.run()
    past.release = replace(plans.roles("v3", "deploy, smoke, traffic 100"), provenance=BY)
    past.run()

    live = past.live
    assert live is not None
    blue = live.deployment("blue")
    assert blue is not None
    assert (blue.revision, blue.provenance) == ("v3", {"actor": "bob"})


def test_an_endpoint_of_others_has_no_history() -> None:
    """Neither tags nor properties of ours."""
    past = History(plans.roles("v1"))
    past.plane.hand_create_endpoint()
    past.plane.hand_create("live", "x")
    live = past.live
    assert live is not None

    assert history(live) == ()


def test_what_is_known_of_a_creation() -> None:
    """By whom without when, when without by whom; a revision by its first ten digits; nothing at all without both."""

    def made(name: str, born: str | None, **provenance: str) -> Deployment:
        revision = "0123456789abc" if provenance else None
        return Deployment(name=name, state="Succeeded", count=1, born=born, provenance=provenance, revision=revision)

    stamp = born_stamp(START)
    live = (made("red", stamp), made("blue", None, actor="ann"), made("green", "by hand"), made("white", ""))

    assert history(Endpoint(name=NAME, deployments=live)) == (
        Event(at=None, target="blue", what="created with revision 0123456789", who="ann", lasting=True),
        Event(at=START, target="red", what="created with revision "),
    )


def test_properties_are_short_and_come_back() -> None:
    """At most 256 characters, empty ones not at all; names in any case."""
    written = provenance_properties({"actor": "a" * 300, "run": ""})
    assert written == {"rollout.actor": "a" * 256}

    body = {"name": "blue", "properties": {"properties": {"Rollout.Actor": "ann", "mine": "1"}}}
    found = read_deployment(body)
    assert (found.provenance, found.fields["properties.mine"]) == ({"actor": "ann"}, "1")
    assert "properties.Rollout.Actor" not in found.fields
