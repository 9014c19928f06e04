"""The grid of blocks, the sample-ratio check, bursts, and the sentences of the verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf, log

import pytest
from msgspec.structs import replace

from rollout.core.evidence import two_arms
from rollout.core.evidence.bursts import ENOUGH, beliefs, correlations, design_effect, effective
from rollout.core.evidence.counts import Arm, Block, Row, faults
from rollout.core.evidence.grid import MINUTE, blocks, ceiling, floor, horizon
from rollout.core.evidence.judge import Check, Finding, State, Terms
from rollout.core.evidence.split import Split, check
from rollout.core.evidence.two_arms import Null, nearest
from rollout.core.evidence.verdicts import Sides, verdict
from rollout.core.verdict import Outcome

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SIDES = Sides("blue", "green")


def test_instants_are_whole_minutes() -> None:
    """Whoever looks, and whenever: the same ends of blocks."""
    moment = NOON + timedelta(seconds=61, milliseconds=5)
    assert (floor(moment), ceiling(moment), ceiling(NOON)) == (NOON + MINUTE, NOON + 2 * MINUTE, NOON)
    assert horizon(moment, 0) == NOON + MINUTE
    assert horizon(moment, 180) == NOON - 2 * MINUTE


def test_every_minute_is_a_block() -> None:
    """Missing minutes are blocks without requests; the same row twice counts once; others are left out."""
    rows = [
        Row(NOON, "Blue", 90, 1),
        Row(NOON, "blue", 90, 1),
        Row(NOON + 2 * MINUTE, "green", 10, 2),
        Row(NOON, "red", 5, 5),
        Row(NOON - MINUTE, "blue", 7, 7),
    ]
    assert blocks(rows, "blue", "green", NOON, NOON + 3 * MINUTE) == (
        Block(NOON, Arm(90, 1), Arm()),
        Block(NOON + MINUTE, Arm(), Arm()),
        Block(NOON + 2 * MINUTE, Arm(), Arm(10, 2)),
    )
    assert blocks(rows, "blue", "green", NOON, NOON - MINUTE) == ()


def test_what_no_source_may_say() -> None:
    """More bad requests than requests, negative ones, infinitely many."""
    rows = [Row(NOON, "green", 1, 2), Row(NOON, "green", -1, -1), Row(NOON, "blue", inf, 0), Row(NOON, "blue", 2, 2)]
    assert list(faults(rows)) == [
        "2 bad of 1 requests of green at 12:00",
        "-1 bad of -1 requests of green at 12:00",
        "0 bad of inf requests of blue at 12:00",
    ]


def test_independent_requests_have_no_design_effect() -> None:
    """Even counts, or none: nothing is taken away."""
    assert set(correlations([Arm(100, 1), Arm(100, 2), Arm(), Arm(100, 1)])) == {0.0}
    assert effective(Arm(100, 3), 0.0) == Arm(100, 3)


def test_bursts_are_seen() -> None:
    """Minutes in which everything fails between minutes in which nothing does: the requests of one are one."""
    found = list(correlations([Arm(100, 100 if number % 5 == 0 else 0) for number in range(20)]))
    assert found[0] == 0.0
    assert found[-1] == 1.0
    assert (design_effect(100, 1.0), effective(Arm(100, 50), 1.0)) == (100.0, Arm(1.0, 0.5))
    assert (design_effect(0, 1.0), design_effect(1, 1.0)) == (1.0, 1.0)


def test_a_long_outage_is_no_burst() -> None:
    """The rate is high for twenty minutes and low for the others: it moves once up and once down."""
    rates = [2] * 20 + [40] * 20 + [2] * 20
    assert list(correlations([Arm(200, bad) for bad in rates]))[-1] < 0.02


def test_the_configured_split_is_no_alarm() -> None:
    """Nor a share that is off by a little."""
    found = check([Block(NOON, Arm(9000, 0), Arm(1000, 0))], 0.1)
    assert found is not None
    assert (found.seen, found.broken) == (0.1, False)
    near = check([Block(NOON, Arm(90_000, 0), Arm(11_000, 0))], 0.1)
    assert near is not None
    assert (near.log_e > 10, near.broken) == (True, False)


def test_another_split_is() -> None:
    """A third instead of a tenth."""
    found = check([Block(NOON, Arm(200, 0), Arm(100, 0))], 0.1)
    assert found is not None
    assert found.broken


@pytest.mark.parametrize(("counts", "share"), [((0, 0), 0.1), ((10, 10), 0.0), ((10, 10), 1.0)])
def test_nothing_to_compare(counts: tuple[int, int], share: float) -> None:
    """No requests, or one arm that gets all."""
    assert check([Block(NOON, Arm(counts[0], 0), Arm(counts[1], 0))], share) is None


def finding(state: State, **more: object) -> Finding:
    """Three bad of 300 against one of 2,700."""
    fields = {"stable": Arm(2700, 1), "candidate": Arm(300, 3), "worse": 5.0, "not_worse": 3.5, **more}
    return Finding(check=Check(name="error_rate", tolerate=0.005), state=state, **fields)  # type: ignore[arg-type]


COUNTS = "error_rate: 3 bad of 300 (1.00%) of green, 1 bad of 2,700 (0.04%) of blue"


@pytest.mark.parametrize(
    ("found", "outcome", "reason"),
    [
        (finding(State.REGRESSION, decided=NOON), Outcome.FAIL,
         f"{COUNTS}: worse, shown at 12:00 (E 148.4, limit 20)"),
        (finding(State.PROVEN), Outcome.PASS,
         f"{COUNTS}: proven not to be worse by 0.50% or more (E 33.1, limit 20)"),
        (finding(State.INCONCLUSIVE, not_worse=-2.0), Outcome.INCONCLUSIVE,
         f"{COUNTS}: neither worse nor proven not to be (E 0.14 of 20)"),
        (finding(State.NO_DATA, candidate=Arm(12, 0)), Outcome.NO_DATA,
         "error_rate: green has answered 12 requests in this stage, at least 50 are needed"),
        (finding(State.NO_DATA, stable=Arm()), Outcome.NO_DATA,
         "error_rate: blue has answered no requests in this stage, there is nothing to compare with"),
        (finding(State.SOURCE_FAILED, failure="403"), Outcome.ERROR, "error_rate: 403"),
    ],
)  # fmt: skip
def test_each_state_has_its_verdict(found: Finding, outcome: Outcome, reason: str) -> None:
    """Five states, kept apart, each with its sentence."""
    given = verdict([found], None, SIDES, Terms(), needs_proof=True, early=60.0)
    assert (given.outcome, given.reason) == (outcome, reason)
    assert given.after == (60.0 if outcome is Outcome.PASS else None)
    assert given.evidence["checks"][0]["state"] == found.state.value


def test_how_much_longer_it_takes() -> None:
    """If the evidence goes on to grow as it did: half of it in ten minutes, ten more."""
    half = finding(State.INCONCLUSIVE, not_worse=log(20) / 2, minutes=10)
    given = verdict([half], None, SIDES, Terms(), needs_proof=True)
    assert given.reason == f"{COUNTS}: neither worse nor proven not to be (E 4.5 of 20, about 10 min more at this rate)"


def test_unproven_goes_on_where_the_plan_says_so() -> None:
    """`promote_when: unproven`: nothing shown to be worse is enough; no data and a failed source never are."""

    def outcome(state: State) -> Outcome:
        return verdict([finding(state)], None, SIDES, Terms(), needs_proof=False).outcome

    assert outcome(State.INCONCLUSIVE) is Outcome.PASS
    assert outcome(State.NO_DATA) is Outcome.NO_DATA
    assert outcome(State.SOURCE_FAILED) is Outcome.ERROR


def test_the_worst_check_decides() -> None:
    """A regression counts though another source failed; one check without proof keeps all of them waiting."""

    def of(*states: State) -> Outcome:
        return verdict([finding(state) for state in states], None, SIDES, Terms(), needs_proof=True).outcome

    assert of(State.PROVEN, State.SOURCE_FAILED, State.REGRESSION) is Outcome.FAIL
    assert of(State.PROVEN, State.INCONCLUSIVE) is Outcome.INCONCLUSIVE
    assert of(State.PROVEN, State.SOURCE_FAILED, State.NO_DATA) is Outcome.ERROR
    assert of(State.PROVEN, State.PROVEN) is Outcome.PASS


def test_another_split_is_never_in_the_candidates_favour() -> None:
    """Proven, but not of the traffic that the plan speaks of."""
    split = Split(configured=0.1, seen=0.4, log_e=50.0)
    given = verdict([finding(State.PROVEN)], split, SIDES, Terms(), needs_proof=True)
    assert given.outcome is Outcome.INCONCLUSIVE
    assert given.reason == "green gets 40.0% of the requests, not 10.0% as configured"
    bad = verdict([finding(State.REGRESSION)], split, SIDES, Terms(), needs_proof=True)
    assert bad.outcome is Outcome.FAIL


def test_what_is_told_beside_the_sentence() -> None:
    """Every figure of every check, as plain values, rounded for people."""
    more = {"decided": NOON, "track": (1.23456,), "proofs": (-0.98765,)}
    one = finding(State.REGRESSION, worse=5.123456, not_worse=-1.98765, correlation=0.12345678, **more)
    split = Split(configured=0.1, seen=0.12345678, log_e=1.23456)
    given = verdict([one], split, SIDES, Terms(alpha=0.1, share=0.02), needs_proof=True)

    assert given.evidence == {
        "checks": [
            {
                "check": "error_rate",
                "state": "regression",
                "tolerate": 0.005,
                "at_most": None,
                "stable": {"requests": 2700, "bad": 1},
                "candidate": {"requests": 300, "bad": 3},
                "log_e_worse": 5.1235,
                "log_e_not_worse": -1.9876,
                "alpha_worse": 0.02,
                "alpha_not_worse": 0.1,
                "correlation": 0.123457,
                "decided": "2026-01-01T12:00:00+00:00",
                "track": [1.235],
                "proofs": [-0.988],
                "failure": "",
            }
        ],
        "split": {"configured": 0.1, "seen": 0.123457, "log_e": 1.2346, "broken": False},
    }


def test_what_is_not_known_is_told_as_nothing() -> None:
    """No split, no minute that decided, why a source failed."""
    given = verdict([finding(State.SOURCE_FAILED, failure="403")], None, SIDES, Terms(), needs_proof=True)

    assert (given.evidence["split"], given.evidence["checks"][0]["decided"]) == (None, None)
    assert given.evidence["checks"][0]["failure"] == "403"


def objective(state: State, **more: object) -> str:
    """The sentence of a check against an objective."""
    check = Check(name="error_rate", at_most=0.02)
    return verdict([replace(finding(state, **more), check=check)], None, SIDES, Terms(), needs_proof=True).reason


def test_an_objective_is_told_instead_of_stable() -> None:
    """Nothing is compared with it."""
    mine = "error_rate: 3 bad of 300 (1.00%) of green, at most 2.00%"

    assert objective(State.PROVEN) == f"{mine}: proven not to be worse (E 33.1, limit 20)"
    assert objective(State.REGRESSION, worse=-0.5) == f"{mine}: worse, shown (E 1.0, limit 20)"


@pytest.mark.parametrize(
    ("log_e", "told"),
    [(log(0.5), "0.5"), (log(1.26), "1.3"), (log(999.5), "999.5"), (log(1000.4), "10^3"), (2302.585, "10^1000")],
)
def test_evidence_in_as_many_digits_as_it_is_worth(log_e: float, told: str) -> None:
    """Two below one, a power of ten above a thousand."""
    assert objective(State.PROVEN, not_worse=log_e).endswith(f"(E {told}, limit 20)")


@pytest.mark.parametrize(("bad", "mild"), [(149, True), (150, False), (300, False)])
def test_half_of_the_requests_is_not_mild(bad: int, mild: bool) -> None:
    """A candidate that fails at every second request does not serve more people than a stable that breaks down."""
    found = finding(State.REGRESSION, candidate=Arm(300, bad))

    assert verdict([found], None, SIDES, Terms(), needs_proof=True).mild is mild


def test_all_that_is_proven_is_told() -> None:
    """Check by check."""
    two = [finding(State.PROVEN), replace(finding(State.PROVEN), check=Check(name="slow", tolerate=0.1))]
    given = verdict(two, None, SIDES, Terms(), needs_proof=True)

    assert [part.split(":")[0] for part in given.reason.split("; ")] == ["error_rate", "slow"]


@pytest.mark.parametrize(
    ("evidence", "minutes", "left"),
    [
        pytest.param(0.0, 10, "", id="it does not grow"),
        pytest.param(-1.0, 10, "", id="it shrinks"),
        pytest.param(0.5, 0, "", id="nothing has been seen"),
        pytest.param(0.5, 10, ", about 50 min more at this rate", id="it grows slowly"),
    ],
)
def test_how_long_it_takes_is_not_always_known(evidence: float, minutes: int, left: str) -> None:
    """Only what grows can be followed."""
    assert objective(State.INCONCLUSIVE, not_worse=evidence, minutes=minutes).endswith(f" of 20{left})")


def test_exactly_enough_requests_are_enough() -> None:
    """What is missing then is stable's."""
    found = finding(State.NO_DATA, candidate=Arm(50, 0), stable=Arm())

    assert verdict([found], None, SIDES, Terms(least=50), needs_proof=True).reason.endswith("nothing to compare with")


def test_a_rate_inside_the_null_is_its_own_projection() -> None:
    """Nothing is nearer to it than it is itself."""
    assert nearest(Null(0.01), 0.05, 0.045, 100, 100) == (0.05, 0.045)


@pytest.mark.parametrize(
    ("margin", "upper", "lower", "requests"),
    [
        (0.005, 0.615, 0.2, (90, 10)),
        (0.02, 0.93, 0.6, (50, 50)),
        (-0.02, 0.6, 0.48, (90, 10)),
        (-0.1, 0.6, 0.3, (90, 10)),
        (-0.1, 0.6, 0.6, (50, 50)),
    ],
)
def test_the_projection_is_found_in_six_steps(
    monkeypatch: pytest.MonkeyPatch, margin: float, upper: float, lower: float, requests: tuple[int, int]
) -> None:
    """By Newton's method: as exactly as in eighty, each of which each minute pays for. Halving takes thirty."""
    whole = nearest(Null(margin), upper, lower, *requests)
    monkeypatch.setattr(two_arms, "_STEPS", 6)
    assert nearest(Null(margin), upper, lower, *requests) == pytest.approx(whole, rel=1e-10)


def test_an_arm_without_requests_does_not_pull() -> None:
    """The other one is met exactly, the empty one stands where the margin puts it."""
    assert nearest(Null(0.01), 0.1, 0.05, 0, 100) == (0.05 + 0.01, 0.05)
    assert nearest(Null(0.01), 0.1, 0.05, 100, 0) == (0.1, 0.1 - 0.01)


def test_without_a_margin_both_meet_at_the_common_rate() -> None:
    """Weighed by their requests."""
    assert nearest(Null(), 0.2, 0.1, 100, 300) == (0.125, 0.125)


@pytest.mark.parametrize("margin", [-0.5, -0.01, 0.01, 0.3])
@pytest.mark.parametrize(("upper", "lower"), [(0.9, 0.95), (0.999, 0.001), (0.4, 0.02), (0.02, 0.015)])
def test_no_other_rates_inside_the_null_are_nearer(margin: float, upper: float, lower: float) -> None:
    """The projection is on the border, and the best of a fine grid there."""
    a, b = nearest(Null(margin), upper, lower, 30, 270)

    def divergence(at: float, null: float) -> float:
        return at * log(at / null) + (1 - at) * log((1 - at) / (1 - null))

    if upper - lower <= margin:
        assert (a, b) == (upper, lower)
        return
    best = 30 * divergence(upper, a) + 270 * divergence(lower, b)
    grid = [step / 1000 for step in range(1, 1000) if 0 < step / 1000 + margin < 1]
    assert a - b == pytest.approx(margin)
    assert all(30 * divergence(upper, g + margin) + 270 * divergence(lower, g) >= best - 1e-9 for g in grid)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (
            ((100, 0), (100, 20), (100, 0), (100, 20), (100, 0), (100, 20), (100, 1), (100, 19), (100, 0), (100, 22)),
            (0.0, 0.0, 0.319865, 0.319865, 0.319865, 0.319865, 0.319865, 0.312013, 0.304091, 0.303765, 0.310198),
        ),
        (
            ((50, 10), (60, 0), (40, 12), (30, 0), (70, 21), (5, 0), (90, 30)),
            (0.0, 0.0, 0.338404, 0.493098, 0.469227, 0.438105, 0.370773, 0.343502),
        ),
    ],
)
def test_what_is_believed_of_bursts(minutes: tuple[tuple[int, int], ...], expected: tuple[float, ...]) -> None:
    """Minute by minute, to six digits, as the simulations of docs/statistics.md had it."""
    assert list(correlations(Arm(*minute) for minute in minutes)) == pytest.approx(expected, abs=1e-6)


def test_when_it_is_known_how_stable_fails() -> None:
    """After thirty minutes with a failure; those without one do not count."""
    minutes = [Arm(100, 1), Arm(100, 0)] * ENOUGH
    shown = [belief.shown for belief in beliefs(minutes)]
    assert shown.index(True) == 2 * ENOUGH - 1
    assert len(shown) == len(minutes) + 1


def test_an_arm_without_requests() -> None:
    """Has no bad ones."""
    assert (Arm().rate, Arm(4, 1).rate) == (0.0, 0.25)
