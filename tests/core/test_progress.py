"""The record in the endpoint's tags: a round trip for every record, and no belief in tags that were touched."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.observed import Weights, weights
from rollout.core.our_tags import PREFIX, foreign, ours
from rollout.core.progress import (
    HISTORY_LENGTH,
    MAX_TAGS,
    MAX_VALUE,
    Approval,
    Damaged,
    Hold,
    Progress,
    Promoted,
    Quarantined,
    Run,
    Transition,
    from_tags,
    quarantine,
    remember,
    to_tags,
)
from rollout.core.stamp import born_stamp
from rollout.errors import Refused

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
HEX = "0123456789abcdef"

times = st.integers(0, 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds, microseconds=seconds % 1000))
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=32)
words = st.text(max_size=400) | st.text('"\\\n\x1b\x7f', min_size=100, max_size=400)
revisions = st.text(HEX, min_size=20, max_size=20)
keys = st.text(HEX, min_size=10, max_size=10)
stamps = times.map(born_stamp)
contents = st.text(HEX, min_size=12, max_size=12)
roles = st.builds(Promoted, name=names, revision=revisions, count=st.integers(1, 500), born=stamps, content=contents)
runs = st.builds(
    Run,
    goal=revisions,
    slot=names,
    born=stamps,
    content=contents,
    total=st.integers(1, 500),
    started=st.none() | times,
    exposed=st.none() | times,
    ended=st.booleans(),
)
splits = st.builds(
    lambda one, other, share: weights({one: 100 - share, other: share} if one != other else {one: 100}),
    names,
    names,
    st.integers(0, 100),
)
entries = st.builds(Quarantined, goal=revisions, key=keys, slot=names, at=st.none() | times)
holds = st.builds(
    Hold, kind=st.sampled_from(["person", "outside"]), why=words, who=words, goal=revisions, at=st.none() | times
)
approvals = st.builds(Approval, key=keys, digest=st.text(HEX, min_size=16, max_size=16), who=words)
lines = st.lists(st.tuples(times, words), max_size=HISTORY_LENGTH)
heads = st.builds(
    Progress,
    plan=names,
    fleet=words,
    commit=st.text(HEX, max_size=64),
    promoted=st.none() | roles,
    former=st.none() | roles,
    run=st.none() | runs,
    passed=st.lists(keys, unique=True, max_size=18).map(tuple),
    written=st.none() | splits,
    since=st.none() | times,
    outcome=st.sampled_from(["", "complete", "failed", "superseded", "rolled_back"]),
    quarantine=st.lists(entries, max_size=4).map(tuple),
    hold=st.none() | holds,
    approvals=st.lists(approvals, max_size=2).map(tuple),
)


def told(record: Progress, history: list[tuple[datetime, str]]) -> Progress:
    """The same record after all that has happened."""
    for at, what in history:
        record = remember(record, at, what)
    return record


records = st.builds(told, heads, lines)


def essential(record: Progress) -> Progress:
    """Without what is for people only, and is cut where there is no room."""
    hold = replace(record.hold, why="", who="") if record.hold else None
    given = tuple(replace(entry, who="") for entry in record.approvals)
    return replace(record, fleet="", commit=record.commit[:40], hold=hold, approvals=given, history=())


FULL = Progress(
    plan="house",
    commit="c" * 40,
    promoted=Promoted(name="blue", revision="1" * 20, born="20260101T120000Z", content="a" * 12),
    former=Promoted(name="green", revision="2" * 20),
    run=Run(goal="3" * 20, slot="green", born="20260101T120000Z", content="b" * 12, started=NOW, exposed=NOW),
    passed=("0123456789", "abcdefabcd"),
    written=weights({"blue": 90, "green": 10}),
    since=NOW,
    quarantine=(Quarantined(goal="2" * 20, key="0123456789", slot="green", at=NOW),),
    hold=Hold(kind="person", why="freeze", who="ann", at=NOW),
    approvals=(Approval(key="0123456789", digest="d" * 16, who="bob"),),
    history=(Transition(at=NOW, what="1-traffic-10"),),
)


@settings(deadline=None)
@given(record=records)
def test_a_record_comes_back_from_its_tags(record: Progress) -> None:
    """Whatever people have written into it, all that is decided upon comes back."""
    found = from_tags(to_tags(record))

    assert isinstance(found, Progress)
    assert essential(found) == essential(record)


@settings(deadline=None)
@given(record=records)
def test_tags_keep_the_limits_of_the_service(record: Progress) -> None:
    """At most twelve, each at most 256 characters, all with our prefix."""
    tags = to_tags(record)

    assert len(tags) <= MAX_TAGS
    assert {name for name, value in tags.items() if len(value) > MAX_VALUE or not name.startswith(PREFIX)} == set()


def test_an_ordinary_record_comes_back_whole() -> None:
    """Nothing is cut where there is room."""
    assert from_tags(to_tags(FULL)) == FULL


def test_golden_tags() -> None:
    """What is written on endpoints today; a later version must be able to read it."""
    record = Progress(plan="house", written=weights({"blue": 100}), since=NOW, passed=("0123456789",))

    assert to_tags(record) == {
        "rollout.plan": '1{"name":"house","since":"2026-01-01T12:00:00Z","sum":"9e81d2ec"}~31849ad4',
        "rollout.set": '1{"traffic":[["blue",100]],"mirror":[]}~c7dc1707',
        "rollout.passed": '1["0123456789"]~7a6e49af',
    }


@settings(deadline=None)
@given(record=records, theirs=st.dictionaries(names.map("team.".__add__), words, max_size=5))
def test_tags_of_others_are_no_part_of_it(record: Progress, theirs: dict[str, str]) -> None:
    """They are neither read nor touched."""
    mine = to_tags(record)

    both = {**theirs, **mine}

    assert (foreign(both), ours(both)) == (theirs, mine)
    assert from_tags(both) == from_tags(mine)
    assert from_tags(theirs) is None


def test_names_of_tags_have_no_case() -> None:
    """Resource Manager may answer with another spelling than it was given."""
    assert from_tags({name.upper(): value for name, value in to_tags(FULL).items()}) == FULL


@pytest.mark.parametrize("name", to_tags(FULL))
def test_a_missing_tag_is_damage(name: str) -> None:
    """Any one of them; without the others nothing is believed."""
    tags = to_tags(FULL)
    del tags[name]

    assert isinstance(from_tags(tags), Damaged)


@settings(deadline=None)
@given(data=st.data())
def test_an_edited_tag_is_damage(data: st.DataObject) -> None:
    """Any one character of what any one tag says."""
    tags = to_tags(FULL)
    name = data.draw(st.sampled_from(sorted(tags)))
    place = data.draw(st.integers(2, len(tags[name]) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda found: found != tags[name][place]))
    tags[name] = tags[name][:place] + other + tags[name][place + 1 :]

    found = from_tags(tags)

    assert isinstance(found, Damaged)
    assert not found.newer


@pytest.mark.parametrize("text", ["", "1", "hello", "1{}", "{}", "~00000000"])
def test_a_tag_that_was_written_over_is_damage(text: str) -> None:
    """By anything; and it is no sign of a later version of this tool."""
    assert from_tags(to_tags(FULL) | {"rollout.set": text}) == Damaged("the tag rollout.set was edited")


def test_tags_of_two_records_do_not_mix() -> None:
    """Each is whole, but they do not belong together."""
    other = to_tags(replace(FULL, written=weights({"blue": 100})))

    found = from_tags(to_tags(FULL) | {"rollout.set": other["rollout.set"]})

    assert found == Damaged("some of our tags are missing or do not belong together")


def test_a_later_version_is_told_apart() -> None:
    """Its tags are not damaged, but they are not for us to read."""
    tags = {name: "2" + value[1:] for name, value in to_tags(FULL).items()}

    assert from_tags(tags) == Damaged("the tag rollout.plan was written by a newer version", newer=True)


def test_history_goes_first() -> None:
    """Where there is no room, the oldest lines are dropped, and nothing else is."""
    lines = tuple(Transition(at=NOW + timedelta(minutes=n), what=f"{n}" * 60) for n in range(HISTORY_LENGTH))
    ring = tuple(Quarantined(goal=f"{n}" * 20, key="k" * 10, slot="s" * 32, at=NOW) for n in range(4))
    crowded = replace(FULL, quarantine=ring, history=lines)

    found = from_tags(to_tags(crowded))

    assert isinstance(found, Progress)
    assert found == replace(crowded, history=lines[2:])
    assert from_tags(to_tags(replace(crowded, history=lines[1:]))) == found
    longer = replace(crowded, approvals=tuple(Approval(key=f"{n}", digest="d" * 16, who="w" * 40) for n in range(6)))
    assert len(to_tags(longer)) == MAX_TAGS
    assert from_tags(to_tags(longer)) == replace(longer, history=())


def test_what_people_say_is_cut_to_its_room() -> None:
    """Quotes and signs that take more room than they show are cut like any others."""
    hold = Hold(kind="person", why='"\x1b' * 200, who="\\" * 200)

    found = from_tags(to_tags(replace(FULL, hold=hold)))

    assert isinstance(found, Progress)
    assert found.hold is not None
    assert hold.why.startswith(found.hold.why)
    assert hold.who.startswith(found.hold.who)
    assert found.hold.why


def test_a_record_that_cannot_fit_is_an_error() -> None:
    """Nothing is dropped that is decided upon."""
    crowded = replace(FULL, passed=tuple(f"{n:010}" for n in range(200)))

    with pytest.raises(Refused) as many:
        to_tags(crowded)
    with pytest.raises(Refused) as long:
        to_tags(replace(FULL, plan="p" * MAX_VALUE))

    said = "the record of the rollout does not fit into 12 tags of 256 characters"
    assert [str(many.value), str(long.value)] == [said, said]


def test_a_tag_is_filled_to_its_last_character() -> None:
    """What does not fit goes into the next one, and all of it comes back."""
    keys = tuple(f"{n:010}" for n in range(17))
    full, over = (replace(FULL, passed=(*keys, "k" * length)) for length in (21, 22))

    assert len(to_tags(full)["rollout.passed"]) == MAX_VALUE
    assert ("rollout.passed.1" in to_tags(full), "rollout.passed.1" in to_tags(over)) == (False, True)
    assert (from_tags(to_tags(full)), from_tags(to_tags(over))) == (full, over)


@pytest.mark.parametrize(
    ("what", "kept"),
    [("a" * 60, "a" * 60), ("a" * 61, "a" * 60), ("a" * 59 + '"', "a" * 59), ("\\" * 60, "\\" * 30)],
)
def test_a_line_is_cut_where_its_room_ends(what: str, kept: str) -> None:
    """Sixty characters in JSON, to the last one."""
    assert remember(FULL, NOW, what).history[-1].what == kept


def test_a_commit_is_told_in_forty_digits() -> None:
    """As long as Git's own."""
    found = from_tags(to_tags(replace(FULL, commit="c" * 64)))

    assert isinstance(found, Progress)
    assert found.commit == "c" * 40


def sealed(body: str) -> str:
    """A tag's value as this tool writes it."""
    return f"1{body}~{zlib.crc32(body.encode()):08x}"


MORE_THAN_OURS = Damaged("our tags are more, or longer, than any that this tool writes")


@pytest.mark.parametrize(
    ("added", "found"),
    [
        pytest.param({f"rollout.x{n}": sealed("[]") for n in range(20)}, MORE_THAN_OURS, id="too many"),
        pytest.param({"rollout.x": sealed('"' + "x" * 245 + '"')}, MORE_THAN_OURS, id="too long"),
        pytest.param(
            {"rollout.x": sealed('"' + "x" * 244 + '"')},
            Damaged("some of our tags are missing or do not belong together"),
            id="as long as any",
        ),
    ],
)
def test_tags_that_we_never_write_are_not_believed(added: dict[str, str], found: Damaged) -> None:
    """However well they are sealed."""
    assert from_tags({**to_tags(FULL), **added}) == found


def test_remember_keeps_the_newest_lines() -> None:
    """Six of them, each with its time."""
    record = Progress(plan="house")
    for number in range(HISTORY_LENGTH + 3):
        record = remember(record, NOW + timedelta(minutes=number), f"line {number}")

    assert [line.what for line in record.history] == [f"line {number}" for number in range(3, HISTORY_LENGTH + 3)]
    assert record.history[-1].at == NOW + timedelta(minutes=HISTORY_LENGTH + 2)
    assert [line.number for line in record.history] == list(range(4, HISTORY_LENGTH + 4))


def test_the_quarantine_is_a_ring() -> None:
    """Four entries, each goal and key once, the newest last."""
    ring: tuple[Quarantined, ...] = ()
    for goal in "abcdbe":
        ring = quarantine(ring, Quarantined(goal=goal, key="gate"))

    assert [entry.goal for entry in ring] == ["c", "d", "b", "e"]


def test_one_goal_may_fail_at_two_gates() -> None:
    """These are two entries."""
    first, second = Quarantined(goal="a", key="smoke"), Quarantined(goal="a", key="bake")

    assert quarantine(quarantine((), first), second) == (first, second)


def test_a_run_that_has_ended_is_not_under_way() -> None:
    """It is kept only to know its deployment again."""
    run = Run(goal="v2", slot="green")

    assert Progress(plan="house", run=run).under_way == run
    assert Progress(plan="house", run=replace(run, ended=True)).under_way is None
    assert Progress(plan="house", written=Weights()).under_way is None


def test_a_fleet_is_remembered_where_there_is_room() -> None:
    """Beside the history's end; before what is decided upon would not fit, it is left out."""
    named = replace(FULL, fleet="prices")
    found = from_tags(to_tags(named))
    assert isinstance(found, Progress)
    assert found.fleet == "prices"
    ring = tuple(Quarantined(goal=f"{at}" * 20, key="0123456789", slot="green", at=NOW) for at in range(4))
    crowded = replace(named, untaken=("abcd",), quarantine=ring, history=())
    while len(to_tags(replace(crowded, fleet=""))) < MAX_TAGS:
        crowded = replace(crowded, passed=(*crowded.passed, *(f"{len(crowded.passed):010x}" for _ in range(8))))
    cut = from_tags(to_tags(crowded))
    assert isinstance(cut, Progress)
    assert (cut.fleet, cut.passed) == ("", crowded.passed)
