"""What is written down of a decision: enough to derive it again, and nothing secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from rollout.core.audit_inputs import Kept, derived, kept
from rollout.core.decide import decide
from rollout.core.observed import Deployment, Endpoint, Observation, all_to
from rollout.core.policy import Limits, Policy, Rule, Span, Window
from rollout.core.release import Release
from rollout.core.verdict import Outcome, Verdict
from tests.worlds import plans

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALLOWED = frozenset({"creates-endpoint", "ungated-traffic", "traffic-jump"})
SECRET = "correct-horse"


class Christmas(msgspec.Struct, frozen=True):
    """A calendar that is code, as the real one is."""

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """One day around NOW, each year."""
        return (Span(start=NOW.replace(year=year), end=NOW.replace(year=year) + timedelta(days=1)),)


def live(**variables: str) -> Endpoint:
    """An endpoint that somebody made with another tool; blue serves."""
    fields = {"model": "azureml:m:v1", **{f"environment_variables.{name}": value for name, value in variables.items()}}
    blue = Deployment(name="blue", state="Succeeded", count=1, fields=fields, tags={"api_key": SECRET})
    return Endpoint(name="house", weights=all_to("blue"), deployments=(blue,), tags={"team": "x"})


def written(release: Release, seen: Observation) -> Kept:
    """What is kept of the decision about that look."""
    return kept(release, seen, {}, ALLOWED, decide(release, seen, {}, ALLOWED), key=b"thrown away")


def with_variables(**variables: str) -> Release:
    """A plan whose candidate has these environment variables."""
    release = plans.roles("v1")
    fields = {**release.candidate.fields, **{f"environment_variables.{name}": v for name, v in variables.items()}}
    return replace(release, candidate=replace(release.candidate, fields=fields, document='{"SECRET": "correct-horse"}'))


@pytest.mark.parametrize("same", [True, False])
def test_secrets_stay_equal_and_unknown(same: bool) -> None:
    """The values of variables are nowhere, in no inputs and no decision; whether they are equal still decides."""
    seen = Observation(live(LICENCE=SECRET if same else "another-horse", n="7"), NOW)
    found = written(with_variables(LICENCE=SECRET, n="7"), seen)
    text = msgspec.json.encode((found.inputs, found.decision)).decode()

    assert found.derivable
    assert derived(found.inputs) == found.decision
    assert "horse" not in text
    assert found.inputs["release"]["candidate"]["fields"]["environment_variables.n"].startswith("hidden:")
    mine, theirs = (
        found.inputs["release"]["candidate"]["fields"],
        found.inputs["observation"]["endpoint"]["deployments"][0]["fields"],
    )
    assert (mine["environment_variables.LICENCE"] == theirs["environment_variables.LICENCE"]) is same
    assert mine["model"] == "azureml:m:v1"


def test_secrets_in_sentences() -> None:
    """A model that answers with its own licence: what the gate says of that is written down without it."""
    release, seen = with_variables(LICENCE=SECRET), Observation(live(), NOW)
    verdicts = {"key": Verdict(outcome=Outcome.FAIL, reason=f"said {SECRET}", evidence={"answer": [SECRET]})}
    found = kept(release, seen, verdicts, ALLOWED, decide(release, seen, verdicts, ALLOWED), key=b"k")

    assert SECRET not in msgspec.json.encode((found.inputs, found.decision)).decode()
    assert found.inputs["verdicts"]["key"]["reason"].startswith("said hidden:")
    assert found.derivable


def test_two_entries_cannot_be_compared() -> None:
    """With another key the same value has another digest: nobody can try values out."""
    release, seen = with_variables(LICENCE=SECRET), Observation(live(LICENCE=SECRET), NOW)
    decision = decide(release, seen, {}, ALLOWED)
    found = {
        kept(release, seen, {}, ALLOWED, decision, key=key).inputs["release"]["candidate"]["fields"][
            "environment_variables.LICENCE"
        ]
        for key in (b"one", b"two")
    }

    assert len(found) == 2


def test_policies_and_windows_are_kept_as_data() -> None:
    """A closed window decides again, without the calendar's code; so does a rule."""
    window = Window(name="christmas", opens=False, activities=("start", "advance", "delete"))
    policy = Policy(rules=(Rule(name="small", limits=Limits(instances=9)),), windows=(window,), calendar=Christmas())
    release = replace(plans.roles("v2"), policy=policy)
    found = written(release, Observation(live(), NOW))

    assert found.decision["reason"].startswith("waits until 2026-03-02 12:00:00Z: start: closed by `christmas`")
    assert found.derivable
    assert derived(found.inputs) == found.decision


def test_what_was_decided_otherwise_shows() -> None:
    """A decision that does not follow from its inputs is marked, and derived as what it should have been."""
    release, seen = plans.roles("v2"), Observation(live(), NOW)
    honest = decide(release, seen, {}, ALLOWED)
    found = kept(release, seen, {}, ALLOWED, replace(honest, reason="because"), key=b"k")

    assert not found.derivable
    assert derived(found.inputs)["reason"] == honest.reason
