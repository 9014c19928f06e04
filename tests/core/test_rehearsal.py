"""The walk of a plan to its end, without any service."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from rollout.core.decision import Phase, Status
from rollout.core.observed import Weights, all_to
from rollout.core.rehearsal import (
    CHANGE_ENDPOINT,
    CREATE_DEPLOYMENT,
    CREATE_ENDPOINT,
    DELETE,
    nothing,
    rehearse,
    served_before,
)
from rollout.core.verdict import Outcome
from tests.worlds.plans import literal, roles

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def told(walk: object) -> list[str]:
    """The walk's moments, a word each."""
    moments = walk.moments  # type: ignore[attr-defined]
    return [type(m.action).__name__ if m.action else f"{m.gate.name} {m.verdict.outcome.value}" for m in moments]


def test_a_first_release() -> None:
    """From nothing: endpoint, deployment, the gates that need no stable, all traffic."""
    walk = rehearse(roles("v1"), nothing(NOW))
    assert told(walk) == ["CreateEndpoint", "DeployRevision", "1-smoke-0 PASS", "SetTraffic"]
    assert (walk.last.status, walk.weights.traffic) == (Status.DONE, (("blue", 100),))
    assert walk.seconds == CREATE_ENDPOINT + CREATE_DEPLOYMENT + CHANGE_ENDPOINT
    assert (walk.writes, walk.most_instances) == (3, 1)


def test_a_release_over_an_earlier_one() -> None:
    """What serves before is imagined; every bake takes its time."""
    release = roles("v2", "deploy, smoke, traffic 10, bake 30, traffic 100, delete 0")
    walk = rehearse(release, served_before(release, NOW))
    assert told(walk) == [
        "DeployRevision", "1-smoke-0 PASS", "SetTraffic", "3-bake-30 PASS", "SetTraffic", "DeleteDeployment",
    ]  # fmt: skip
    assert (walk.last.status, walk.weights.traffic, walk.most_instances) == (Status.DONE, (("green", 100),), 2)
    busy = CREATE_DEPLOYMENT + 2 * CHANGE_ENDPOINT + DELETE
    assert walk.seconds == pytest.approx(busy + 1800, abs=5)


def test_a_gate_that_fails() -> None:
    """All traffic goes back, and that is the end."""
    release = roles("v2", "deploy, smoke, traffic 10, bake 30, traffic 100, delete 0")
    walk = rehearse(release, served_before(release, NOW), failing="3-bake-30")
    assert told(walk)[-2:] == ["3-bake-30 FAIL", "SetTraffic"]
    assert (walk.last.status, walk.last.phase) == (Status.HOLD, Phase.ROLLED_BACK)
    assert walk.weights.traffic == (("blue", 100),)


def test_fixed_names() -> None:
    """The literal form, from nothing through its bootstrap."""
    walk = rehearse(literal(("blue", "v1"), ("green", "v2"), "deploy, smoke, traffic 10, traffic 100"), nothing(NOW))
    assert [m.verdict.outcome for m in walk.moments if m.verdict] == [Outcome.PASS]
    assert (walk.last.status, walk.weights.traffic) == (Status.DONE, (("green", 100),))


def test_time_never_goes_back() -> None:
    """And what was is never changed by what comes."""
    release = roles("v2")
    walk = rehearse(release, served_before(release, NOW))
    assert [m.at for m in walk.moments] == sorted(m.at for m in walk.moments)
    assert rehearse(release, served_before(release, NOW)) == walk


def test_the_world_before() -> None:
    """The same deployment with another content, a month old, with all traffic; its name is no content of anybody."""
    seen = served_before(roles("v2", "deploy, traffic 100"), NOW)
    assert seen.now == NOW
    assert seen.endpoint is not None
    (found,) = seen.endpoint.deployments
    assert (found.revision, found.fields["model"]) == ("0" * 64, "an earlier release")
    assert found.born is not None
    assert found.born.startswith("20251202")
    assert seen.endpoint.weights == all_to(found.name)


def test_what_stands_at_each_moment() -> None:
    """The weights before it, and the instances of all deployments; nothing before there is anything."""
    walk = rehearse(roles("v1", "deploy, traffic 100"), nothing(NOW))
    assert [(moment.instances, moment.weights) for moment in walk.moments] == [
        (0, Weights()), (0, Weights()), (1, Weights()),
    ]  # fmt: skip
    assert (walk.most_instances, walk.weights) == (1, all_to("blue"))
    second = rehearse(roles("v2", "deploy, traffic 100"), served_before(roles("v2", "deploy, traffic 100"), NOW))
    assert second.moments[0].weights == all_to("blue")
    assert msgspec.structs.replace(walk, moments=()).most_instances == 0


def test_the_gate_that_is_assumed_to_fail() -> None:
    """Says so."""
    release = roles("v2", "deploy, smoke, traffic 100")
    walk = rehearse(release, served_before(release, NOW), failing="1-smoke-0")
    (verdict,) = (moment.verdict for moment in walk.moments if moment.verdict is not None)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, "assumed to fail")
