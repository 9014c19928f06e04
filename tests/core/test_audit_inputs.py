"""What is written down of a decision: enough to derive it again, and nothing secret."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from rollout.core import actions
from rollout.core.audit_inputs import Kept, KeptCalendar, KeptYear, derived, kept, told_actions, without_secrets
from rollout.core.decide import decide
from rollout.core.observed import Deployment, Endpoint, Observation, all_to
from rollout.core.policy import Limits, Policy, Rule, Span, Window
from rollout.core.release import Release
from rollout.core.verdict import Outcome, Verdict
from tests.worlds import plans
from tests.worlds.history import History, finish

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


def digest(value: str) -> str:
    """What stands in the place of that value under the key `k`."""
    return "hidden:" + hmac.new(b"k", value.encode(), hashlib.sha256).hexdigest()[:20]


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        pytest.param({"tags": {"api_key": SECRET}}, {"tags": {"api_key": digest(SECRET)}}, id="by its name"),
        pytest.param({"tags": {"team": SECRET}}, {"tags": {"team": SECRET}}, id="no secret's name"),
        pytest.param({"api_key": SECRET}, {"api_key": SECRET}, id="the tool's own member"),
        pytest.param(
            {"fields": {"environment_variables": {"N": 7, "NONE": None}}},
            {"fields": {"environment_variables": {"N": digest("7"), "NONE": None}}},
            id="each variable",
        ),
        pytest.param(
            {"fields": {"environment_variables.N": "7"}},
            {"fields": {"environment_variables.N": digest("7")}},
            id="flat",
        ),
        pytest.param(
            {"settings": {"list": [{"password": SECRET}]}}, {"settings": {"list": [{"password": digest(SECRET)}]}}
        ),
        pytest.param(
            {"path": "environment_variables.N", "before": "7", "after": None},
            {"path": "environment_variables.N", "before": digest("7"), "after": None},
            id="a change",
        ),
        pytest.param(
            {"path": "instance_count", "before": 1, "after": 2},
            {"path": "instance_count", "before": 1, "after": 2},
            id="a change of no secret",
        ),
        pytest.param(
            {"tags": {"api_key": SECRET}, "reason": f"said {SECRET}", "other": f"said {SECRET}"},
            {"tags": {"api_key": digest(SECRET)}, "reason": f"said {digest(SECRET)}", "other": f"said {SECRET}"},
            id="in a sentence, and only there",
        ),
        pytest.param(
            {"tags": {"api_key": SECRET}, "evidence": [{"answer": SECRET, "count": 1}]},
            {"tags": {"api_key": digest(SECRET)}, "evidence": [{"answer": digest(SECRET), "count": 1}]},
            id="deep in evidence",
        ),
        pytest.param(
            {"tags": {"key_a": "12345678", "key_b": "123456789"}, "note": "123456789"},
            {"tags": {"key_a": digest("12345678"), "key_b": digest("123456789")}, "note": digest("123456789")},
            id="the longest first",
        ),
        pytest.param(
            {"tags": {"api_key": "1234567"}, "note": "1234567"},
            {"tags": {"api_key": digest("1234567")}, "note": "1234567"},
            id="too short to be looked for",
        ),
        pytest.param(
            {"tags": {"api_key": "12345678"}, "note": "12345678"},
            {"tags": {"api_key": digest("12345678")}, "note": digest("12345678")},
            id="just long enough",
        ),
    ],
)
def test_what_is_hidden(value: object, hidden: object) -> None:
    """Where people write values, by name; and what was found there, in sentences."""
    assert without_secrets(value, key=b"k") == hidden


def test_a_decision_as_it_is_recorded() -> None:
    """All of it, by these names; a create without its document, stages by their names."""
    release = with_variables(N="1")
    seen = Observation(replace(live(), tags={}), NOW)
    decision = decide(release, seen, {}, ALLOWED)
    found = written(release, seen)
    assert list(found.decision) == [
        "actions", "drift", "measure", "measure_key", "next_after", "notes", "phase", "reason", "roles", "stages",
        "status",
    ]  # fmt: skip
    assert found.decision["status"] == decision.status == "act"
    assert [one["reason"] for one in found.decision["actions"]] == [one.reason for one in decision.actions]
    assert [row[0] for row in found.decision["stages"]] == [view.stage.name for view in decision.stages]
    assert found.decision["roles"]["stable"] == "blue"


def test_the_gate_that_is_asked_for() -> None:
    """By its name, and its key; none is an empty word."""
    history = History(plans.roles("v1", "deploy, smoke, traffic 100"))
    history.until_deployed()
    seen = finish(history.plane.observe("house"))
    decision = decide(history.release, seen, {}, ALLOWED)
    found = written(history.release, seen)
    assert decision.measure is not None
    assert (found.decision["measure"], found.decision["measure_key"]) == (decision.measure.name, decision.measure_key)
    assert written(plans.roles("v2"), Observation(live(), NOW)).decision["measure"] == ""


def test_a_create_without_its_document() -> None:
    """Nothing else of it is left out."""
    spec = replace(plans.roles("v1").candidate, document='{"a": 1}', origin="/somewhere")
    create = actions.DeployRevision(reason="new", deployment="blue", spec=spec, mode="create", count=1, born="b")
    scale = actions.ScaleDeployment(reason="more", deployment="blue", before=1, count=2)
    assert told_actions([create, scale]) == [replace(create, spec=replace(spec, document="{}", origin="")), scale]


def test_a_calendar_as_data() -> None:
    """The times of that window in that year, or none."""
    span = (Span(start=NOW, end=NOW + timedelta(days=1)),)
    calendar = KeptCalendar((KeptYear(0, 2025, ()), KeptYear(1, 2026, span), KeptYear(0, 2026, ())))
    assert [calendar.spans(1, 2026), calendar.spans(0, 2026), calendar.spans(1, 2025)] == [span, (), ()]


def test_a_literal_plan_is_kept_without_documents_and_bodies() -> None:
    """Its stable's document too, and the gates of its first release."""
    release = plans.literal(("blue", "v1"), ("green", "v2"), "deploy, smoke, traffic 10, traffic 100, delete 0")
    assert release.literal is not None
    assert release.literal.stable_spec is not None
    told = replace(release.literal.stable_spec, document='{"SECRET": "correct-horse"}', origin="/somewhere")
    found = written(replace(release, literal=replace(release.literal, stable_spec=told)), Observation(live(), NOW))
    literal = found.inputs["release"]["literal"]
    assert (literal["stable_spec"]["document"], literal["stable_spec"].get("origin", "")) == ("{}", "")
    assert literal["stable_spec"]["fields"] == dict(release.literal.stable_spec.fields)
    stages = [*found.inputs["release"]["stages"], *literal["bootstrap"]]
    assert [one["name"] for one in stages if one.get("body")] == []
    assert len(literal["bootstrap"]) == len(release.literal.bootstrap)
    assert found.derivable


def test_verdicts_decide_again() -> None:
    """What a gate said is among the inputs: a FAIL takes the candidate back from what is recorded alone."""
    history = History(plans.roles("v1", "deploy, smoke, traffic 100"))
    history.until_deployed()
    seen = finish(history.plane.observe("house"))
    key = decide(history.release, seen, {}, ALLOWED).measure_key
    verdicts = {key: Verdict(outcome=Outcome.FAIL, reason="bad")}
    decision = decide(history.release, seen, verdicts, ALLOWED)
    found = kept(history.release, seen, verdicts, ALLOWED, decision, key=b"k")
    assert found.derivable
    assert derived(found.inputs)["reason"] == decision.reason
    assert derived({**found.inputs, "verdicts": {}})["reason"] != decision.reason
