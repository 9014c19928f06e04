"""Who is told of what, and what was told: notices and the outbox, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from rollout.core.notices import LONGEST, Notice, Rule, identity, on_record, state, young
from rollout.core.outbox import (
    CLAIM,
    REMEMBERED,
    Claim,
    Due,
    Outbox,
    Sheet,
    claimed,
    decode,
    due,
    encode,
    looked,
    released,
    told,
)
from rollout.core.progress import Progress, Transition

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEAM = Rule(name="team", kind="apprise", url_from="TEAM")
BUS = Rule(name="bus", kind="webhook", url_from="BUS", events=("started", "advanced"), plans=("house", "x*"))
RULES = (TEAM, BUS)


def notice(number: int, event: str = "started", plan: str = "house") -> Notice:
    """The transition of that number."""
    return Notice(id=f"n{number}", event=event, at=NOON, plan=plan, endpoint="/house", reason="because", number=number)


@pytest.mark.parametrize(
    ("rule", "event", "plan", "wants"),
    [
        (TEAM, "started", "any", True),
        (TEAM, "advanced", "any", False),
        (BUS, "advanced", "house", True),
        (BUS, "advanced", "xylophone", True),
        (BUS, "advanced", "House", False),
        (BUS, "failed", "house", False),
    ],
)
def test_who_wants_what(rule: Rule, event: str, plan: str, wants: bool) -> None:
    """Both the event and the plan must be the receiver's."""
    assert rule.wants(notice(1, event, plan)) is wants


def test_a_transition_as_a_notice() -> None:
    """With all that the record says; a transition of no kind is another one."""
    line = Transition(at=NOON, what="10 %", kind="advanced", who="ann", commit="c1", number=7)
    record = Progress(plan="house", history=(line, replace(line, kind="", number=8)))
    first, second = on_record(record, "/Sub/House")
    assert first == Notice(
        id=identity("/sub/house", "2026-01-01T12:00:00+00:00", "7", "10 %"),
        event="advanced",
        at=NOON,
        plan="house",
        endpoint="/Sub/House",
        reason="10 %",
        actor="ann",
        commit="c1",
        number=7,
    )
    assert (second.event, second.id) == ("other", identity("/sub/house", NOON.isoformat(), "8", "10 %"))


def test_identities() -> None:
    """128 bits over all parts, whatever the case of the endpoint's id; the parts do not run into each other."""
    assert identity("/House", "a", "b") == identity("/house", "a", "b") == "f4e085124ef52670a2327ce1d3466ae2"
    assert identity("/house", "ab", "") != identity("/house", "a", "b")


def test_a_state_is_told_once_a_day() -> None:
    """The same notice all day long."""
    first = state("drift", "house", "/house", "weights", NOON)
    assert (first.event, first.number, first.reason) == ("drift", 0, "weights")
    assert state("drift", "house", "/house", "other words", NOON + timedelta(hours=11)).id == first.id
    assert state("drift", "house", "/house", "weights", NOON + timedelta(hours=12)).id != first.id


def test_what_is_news() -> None:
    """Less than a day old."""
    fresh, old = notice(1), replace(notice(2), at=NOON - LONGEST)
    assert list(young([fresh, old], NOON)) == [fresh]
    assert list(young([replace(old, at=old.at + timedelta(seconds=1))], NOON)) != []


def test_what_is_kept_is_read_again() -> None:
    """Whatever else is there counts as nothing."""
    box = Outbox(seen=3, sheets={"team": Sheet(told=("a",), claims={"b": Claim("me", NOON)}, missed=2)})
    assert decode(encode(box)) == box
    assert decode(b"") == decode(b"{") == decode(b'{"version": 2, "seen": 9}') == decode(b"[" * 9999) == Outbox()
    assert box.sheet("team").missed == 2
    assert box.sheet("new") == Sheet()


def sent(box: Outbox, *numbers: int) -> Outbox:
    """After these were told to the team."""
    for number in numbers:
        box = told(box, Due(TEAM, notice(number)))
    return box


def waits(
    box: Outbox, by: str = "me", now: datetime = NOON, numbers: range = range(1, 4)
) -> Iterator[tuple[str, str, int, bool]]:
    """Who is due what: receiver, id, how many were missed before it, whether somebody may have told it."""
    for one in due(box, RULES, [notice(number) for number in numbers], by, now):
        yield one.rule.name, one.notice.id, one.notice.missed, one.again


def test_what_is_due() -> None:
    """Everything to everybody, in the order of the notices; what was told is not, whoever else was not told."""
    assert list(waits(Outbox(), numbers=range(1, 3))) == [
        ("team", "n1", 0, False), ("bus", "n1", 0, False), ("team", "n2", 0, False), ("bus", "n2", 0, False),
    ]  # fmt: skip
    assert list(waits(sent(Outbox(), 1), numbers=range(1, 3))) == [
        ("bus", "n1", 0, False), ("team", "n2", 0, False), ("bus", "n2", 0, False),
    ]  # fmt: skip


def test_what_nobody_wants_is_not_due() -> None:
    """Whether it was told or not."""
    failed = notice(1, "failed", "yacht")
    assert [one.rule.name for one in due(Outbox(), RULES, [failed], "me", NOON)] == ["team"]


def test_a_claim() -> None:
    """Keeps others away until it ends; mine is mine; what somebody did not come back from may have been told."""
    box = claimed(Outbox(), [Due(TEAM, notice(1)), Due(TEAM, notice(2))], "me", NOON)
    assert box.sheets == {"team": Sheet(claims={"n1": Claim("me", NOON + CLAIM), "n2": Claim("me", NOON + CLAIM)})}
    mine = [one for one in waits(box) if one[0] == "team"]
    assert mine == [("team", "n1", 0, False), ("team", "n2", 0, False), ("team", "n3", 0, False)]
    theirs = [one for one in waits(box, "you") if one[0] == "team"]
    assert theirs == [("team", "n3", 0, False)]
    late = [one for one in waits(box, "you", NOON + CLAIM) if one[0] == "team"]
    assert late == [("team", "n1", 0, True), ("team", "n2", 0, True), ("team", "n3", 0, False)]


def test_what_was_told() -> None:
    """Its claim ends, whoever's it is; the newest is last, and so many are remembered."""
    box = claimed(sent(Outbox(), 1, 2), [Due(TEAM, notice(1)), Due(TEAM, notice(3))], "me", NOON)
    assert sent(box, 1).sheet("team") == Sheet(told=("n2", "n1"), claims={"n3": Claim("me", NOON + CLAIM)})
    many = sent(Outbox(), *range(REMEMBERED + 1)).sheet("team").told
    assert (len(many), many[0], many[-1]) == (REMEMBERED, "n1", f"n{REMEMBERED}")


def test_what_could_not_be_sent() -> None:
    """Is let go by whose claim it is, and by nobody else."""
    box = claimed(Outbox(), [Due(TEAM, notice(1)), Due(TEAM, notice(2))], "me", NOON)
    assert released(box, Due(TEAM, notice(1)), "you") == box
    assert released(box, Due(TEAM, notice(1)), "me").sheet("team").claims == {"n2": Claim("me", NOON + CLAIM)}


@pytest.mark.parametrize(
    ("seen", "numbers", "missed", "after"),
    [(0, range(5, 8), 0, 7), (3, range(4, 6), 0, 5), (3, range(2, 6), 0, 5), (3, range(6, 9), 2, 8)],
)
def test_what_fell_off_the_record(seen: int, numbers: range, missed: int, after: int) -> None:
    """Between the newest that was seen and the oldest that is there; the first look has missed nothing."""
    box = looked(Outbox(seen=seen, sheets={"team": Sheet(missed=1)}), RULES, [notice(number) for number in numbers])
    assert (box.seen, box.sheet("team").missed, box.sheet("bus").missed) == (after, 1 + missed, missed)


def test_states_have_no_number() -> None:
    """They are no transitions, and nothing falls off because of them."""
    box = Outbox(seen=3)
    assert looked(box, RULES, [notice(0)]) == box
    assert looked(box, RULES, [notice(0), notice(6)]).sheet("team").missed == 2


def test_the_missing_are_told_with_the_next_message() -> None:
    """Of each receiver; and then they are told."""
    box = Outbox(seen=3, sheets={"team": Sheet(missed=2)})
    assert list(waits(box, numbers=range(4, 6)))[:3] == [
        ("team", "n4", 2, False), ("bus", "n4", 0, False), ("team", "n5", 0, False),
    ]  # fmt: skip
    first = Due(TEAM, replace(notice(4), missed=2))
    assert told(box, first).sheet("team") == Sheet(told=("n4",))
    assert sent(box, 4).sheet("team") == Sheet(told=("n4",), missed=2)
