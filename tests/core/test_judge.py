"""One check over the minutes of a run: its state, since when, and that every runner comes to the same."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.evidence.counts import Arm, Block
from rollout.core.evidence.grid import MINUTE
from rollout.core.evidence.judge import Check, Finding, History, State, Terms, e_value, examine

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ERRORS = Check(name="error_rate", tolerate=0.01)
TERMS = Terms(alpha=0.05, share=0.05, least=50)
Counts = tuple[int, int, int, int]


def blocks(*minutes: Counts) -> tuple[Block, ...]:
    """One block for each (stable, bad, candidate, bad)."""
    return tuple(Block(START + number * MINUTE, Arm(n, k), Arm(m, j)) for number, (n, k, m, j) in enumerate(minutes))


def judged(*minutes: Counts, check: Check = ERRORS, stage: int = 0, provisional: int = 0, base: int = 0) -> Finding:
    """The finding; the last `provisional` minutes are not final, `base` quiet minutes come before."""
    found = blocks(*minutes)
    final = len(found) - provisional
    history = History(
        blocks=found[:final],
        provisional=found[final:],
        stage=START + stage * MINUTE,
        baseline=(Arm(270, 1),) * base,
    )
    return examine(check, TERMS, history)


GOOD: Counts = (270, 1, 30, 0)
BAD: Counts = (270, 1, 30, 3)


def test_nothing_counted_is_no_data() -> None:
    """A minute without requests leaves E where it is."""
    found = judged((0, 0, 0, 0), (0, 0, 0, 0))
    assert (found.state, found.track, found.worse, found.not_worse) == (State.NO_DATA, (0.0, 0.0), 0.0, 0.0)
    assert judged() == Finding(check=ERRORS, state=State.NO_DATA)


def test_a_few_requests_are_no_data() -> None:
    """Below the least number nothing is said in the candidate's favour."""
    assert judged((270, 1, 49, 0)).state is State.NO_DATA
    assert judged((270, 1, 50, 0)).state is State.INCONCLUSIVE


def test_a_silent_stable_is_no_data() -> None:
    """There is nothing to compare with; against an objective there is."""
    assert judged((0, 0, 100, 0)).state is State.NO_DATA
    assert judged((0, 0, 100, 0), check=Check(name="errors", at_most=0.05)).state is State.PROVEN


def test_a_worse_candidate_is_a_regression() -> None:
    """The minute that decided is told, and stays the same however much later somebody looks."""
    found = judged(*[BAD] * 3, base=30)
    assert (found.state, found.decided) == (State.REGRESSION, START + 2 * MINUTE)
    later = judged(*[BAD] * 3, *[GOOD] * 60, base=30)
    assert (later.state, later.decided) == (State.REGRESSION, START + 2 * MINUTE)


def test_a_good_candidate_is_proven() -> None:
    """Not worse by one point or more."""
    found = judged(*[GOOD] * 30)
    assert (found.state, found.decided) == (State.PROVEN, START + 10 * MINUTE)
    assert (found.stable, found.candidate, found.minutes) == (Arm(8100, 30), Arm(900, 0), 30)


def test_a_fault_of_both_is_no_evidence() -> None:
    """A third of all requests fails in both arms: E stays below 1."""
    found = judged(*[GOOD] * 5, *[(270, 90, 30, 10)] * 10)
    assert found.state is not State.REGRESSION
    assert found.worse < 1.0


def test_only_this_stage_is_in_the_candidates_favour() -> None:
    """Another weight is another load: what was shown at 10 % does not prove anything at 50 %."""
    assert judged(*[GOOD] * 30, *[(150, 0, 20, 0)] * 3, stage=30).state is State.INCONCLUSIVE
    assert judged(*[GOOD] * 30, *[(150, 0, 150, 0)] * 30, stage=30).state is State.PROVEN


def test_but_all_stages_are_against_it() -> None:
    """One α for the whole rollout: evidence of an earlier stage is not forgotten."""
    found = judged((270, 1, 30, 2), (270, 1, 30, 2), *[(150, 0, 150, 6)] * 2, stage=2)
    assert found.state is State.REGRESSION
    assert judged(*[(150, 0, 150, 6)] * 1).state is not State.REGRESSION


def test_against_an_objective() -> None:
    """The candidate alone: above it is a regression, below it is proven, stable does not matter."""
    check = Check(name="error_rate", at_most=0.02)
    assert judged(*[(100, 50, 50, 5)] * 4, check=check).state is State.REGRESSION
    assert judged(*[(100, 50, 50, 0)] * 6, check=check).state is State.PROVEN
    assert judged(*[(100, 0, 50, 1)] * 4, check=check).state is State.INCONCLUSIVE


def test_provisional_minutes_can_only_kill() -> None:
    """What is obvious does not wait for the watermark; what is merely likely does, and nothing good is believed."""
    assert judged(*[BAD] * 3, provisional=3).state is State.NO_DATA
    found = judged(*[GOOD] * 5, (270, 1, 30, 28), provisional=1, base=30)
    assert (found.state, found.decided, len(found.track)) == (State.REGRESSION, START + 6 * MINUTE, 5)
    assert judged(*[GOOD] * 5, (270, 1, 30, 28), provisional=1).state is State.INCONCLUSIVE
    found = judged(*[GOOD] * 5, *[(270, 1, 30, 28)] * 5, provisional=5)
    assert (found.state, found.decided) == (State.REGRESSION, START + 9 * MINUTE)
    assert judged(*[GOOD] * 5, *[GOOD] * 50, provisional=50).state is State.INCONCLUSIVE


def test_what_is_told_shows_it() -> None:
    """Shown before this stage has any counts: those of all minutes up to the one that decided."""
    mirrored = judged(*[(270, 1, 30, 9)] * 4, stage=9)
    assert (mirrored.state, mirrored.candidate, mirrored.stable) == (State.REGRESSION, Arm(120, 36), Arm(1080, 4))
    late = judged(*[GOOD] * 5, *[(270, 1, 30, 28)] * 3, provisional=3, base=30, stage=5)
    assert (late.state, late.decided, late.candidate) == (State.REGRESSION, START + 6 * MINUTE, Arm(180, 28))


@pytest.mark.parametrize(("share", "state"), [(0.05, State.REGRESSION), (1e-300, State.INCONCLUSIVE)])
def test_how_sure_a_kill_must_be(share: float, state: State) -> None:
    """As sure as the rollout asks for, where that is more than what is obvious."""
    found = blocks(*[GOOD] * 5, (270, 1, 30, 28))
    history = History(blocks=found[:5], provisional=found[5:], stage=START, baseline=(Arm(270, 1),) * 30)

    assert examine(ERRORS, Terms(alpha=0.05, share=share, least=50), history).state is state


BURSTS: tuple[Counts, ...] = (
    (270, 1, 30, 0),
    (270, 9, 30, 3),
    (270, 0, 30, 0),
    (270, 2, 30, 1),
    (270, 12, 30, 4),
    (270, 0, 30, 0),
    (250, 1, 50, 2),
)


def test_golden_evidence() -> None:
    """Evidence is recomputed at every look: another version of the tool must come to the same, bursts and all."""
    found, later = judged(*BURSTS, base=10), judged(*BURSTS, base=10, stage=3)
    alone = judged(*BURSTS, base=10, check=Check(name="errors", at_most=0.02))

    assert found.track == pytest.approx(
        (-0.815944004, -0.295253315, -0.587585623, -0.508196499, 0.001948541, -0.118603153, 0.065541511), abs=1e-8
    )
    assert (found.not_worse, found.correlation) == pytest.approx((0.308358908, 0.027169704), abs=1e-8)
    assert later.proofs == pytest.approx((-0.531627571, -2.564300849, -2.474278143, -2.894707346), abs=1e-8)
    assert alone.track == pytest.approx(
        (-0.876258868, 0.431473327, -0.23633645, -0.199358382, 0.744273892, 0.367535755, 0.486801865), abs=1e-8
    )
    assert alone.not_worse == pytest.approx(0.426296589, abs=1e-8)


def test_evidence_beyond_all_numbers() -> None:
    """Is infinite."""
    assert (e_value(0.0), e_value(1000.0)) == (1.0, inf)


def test_the_baseline_is_known_before() -> None:
    """Stable's own minutes before the exposure say what is usual: the first bad minute weighs more or less."""
    assert judged(BAD, base=60).track[0] != judged(BAD).track[0]
    assert judged(BAD, base=60).candidate == Arm(30, 3)


def test_no_minute_decides_alone_before_stable_has_shown_how_it_fails() -> None:
    """It may be a burst of a kind that has not come yet: the fourth such minute decides. A stable that has failed in
    thirty minutes, one by one, has shown it."""
    broken: Counts = (270, 0, 30, 20)
    quiet: Counts = (270, 0, 30, 0)
    assert judged(*[quiet] * 5, *[broken] * 3).state is State.INCONCLUSIVE
    found = judged(*[quiet] * 5, *[broken] * 5)
    assert (found.state, found.decided) == (State.REGRESSION, START + 9 * MINUTE)
    assert judged(broken, base=29).state is State.NO_DATA
    assert judged(broken, base=30).state is State.REGRESSION


minutes = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 8), st.integers(0, 60), st.integers(0, 8)).map(
        lambda c: (c[0], min(c[1], c[0]), c[2], min(c[3], c[2]))
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(minutes, st.integers(0, 25))
def test_every_runner_comes_to_the_same(given_minutes: list[Counts], cut: int) -> None:
    """A runner that died after any block, and one that looks at the end only: bit for bit the same numbers. What was
    shown once is not taken back."""
    early, late = judged(*given_minutes[:cut]), judged(*given_minutes)
    assert late.track[: len(early.track)] == early.track
    assert late.worse >= early.worse or not early.track
    if early.state is State.REGRESSION:
        assert (late.state, late.decided) == (State.REGRESSION, early.decided)


@settings(max_examples=30, deadline=None)
@given(minutes, st.floats(0.0, 0.3))
def test_tolerating_more_is_never_stricter(given_minutes: list[Counts], more: float) -> None:
    """Who tolerates any difference sees no regression."""
    found = judged(*given_minutes, check=Check(name="errors", tolerate=0.999))
    assert found.state is not State.REGRESSION
    assert examine(Check(name="e", tolerate=more), TERMS, History(blocks=(), stage=START)).state is State.NO_DATA


@pytest.mark.parametrize("share", [0.5, 0.05, 0.001])
def test_a_smaller_part_of_alpha_needs_more(share: float) -> None:
    """With three checks each has a third: the minute that decides comes later, never sooner."""
    history = History(blocks=blocks(*[BAD] * 30), stage=START, baseline=(Arm(270, 1),) * 30)
    found = examine(ERRORS, Terms(share=share), history)
    needed = {0.5: 1, 0.05: 2, 0.001: 3}
    assert found.decided == START + needed[share] * MINUTE
