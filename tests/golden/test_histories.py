"""Every named history ends where it must, breaks no law on the way, and stays quiet afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.core import actions
from rollout.core.decision import Status
from tests.golden.script import ENDS, Script

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "histories.yaml").read_text())


@pytest.mark.parametrize("name", CASES)
def test_ends_where_it_must(name: str) -> None:
    """The end, who serves, and no write in three more passes."""
    case = CASES[name]
    script = Script(case)
    script.play()
    history, last = script.history, script.last
    assert last is not None, "every history ends with a run"

    assert [ENDS[last.status], history.serves()] == case["end"], last.reason

    before = len(history.plane.written)
    for _ in range(3):
        quiet = history.once()
        assert quiet.status is not Status.ACT, quiet.reason
    assert len(history.plane.written) == before


@pytest.mark.parametrize("name", [name for name in CASES if "writes_after_edit" in CASES[name]])
def test_writes_nothing_after_an_edit_without_effect(name: str) -> None:
    """A finished plan stays finished, whatever stages are edited."""
    script = Script(CASES[name])
    script.play()

    assert len(script.history.plane.written) - script.edited_at == CASES[name]["writes_after_edit"]


@pytest.mark.parametrize("name", [name for name in CASES if "instances" in CASES[name]])
def test_ends_with_instances(name: str) -> None:
    """Counts are as they must be."""
    script = Script(CASES[name])
    script.play()
    live = script.history.live
    assert live is not None, "these histories keep their endpoint"

    found = {d.name: d.count for d in live.deployments if d.name in CASES[name]["instances"]}

    assert found == CASES[name]["instances"]


@pytest.mark.parametrize("name", [name for name in CASES if "within" in CASES[name]])
def test_does_not_take_longer(name: str) -> None:
    """Minutes from the first to the last write."""
    script = Script(CASES[name])
    start = script.history.plane.now
    script.play()
    assert script.history.plane.now - start <= timedelta(minutes=CASES[name]["within"])


@pytest.mark.parametrize("name", [name for name in CASES if "splits" in CASES[name]])
def test_goes_back_by_these_steps(name: str) -> None:
    """The last splits that were written, in their order."""
    script = Script(CASES[name])
    script.play()
    written = [a.weights for a in script.history.plane.written if isinstance(a, actions.SetTraffic)]
    told = [" ".join(f"{name}={weight}" for name, weight in each.traffic) for each in written]
    expected = CASES[name]["splits"]
    assert told[-len(expected) :] == expected
    assert not set(told[: -len(expected)][-1:]) & set(expected) - {"blue=100"}


@pytest.mark.parametrize("name", [name for name in CASES if "autoscaled" in CASES[name]])
def test_ends_with_autoscale_settings(name: str) -> None:
    """What follows the load at the end, and by which rules; nothing is left over."""
    script = Script(CASES[name])
    script.play()
    assert {name: said.digest for name, said in script.history.plane.scalings.items()} == CASES[name]["autoscaled"]


@pytest.mark.parametrize("name", [name for name in CASES if "gone" in CASES[name]])
def test_deletes_what_must_go(name: str) -> None:
    """Deployments that must not be left are not left."""
    script = Script(CASES[name])
    script.play()
    live = script.history.live
    assert live is not None, "these histories keep their endpoint"

    assert not {d.name for d in live.deployments} & set(CASES[name]["gone"])


def test_an_expedited_revert_takes_one_traffic_write() -> None:
    """A `git revert` with the former stable still warm: smoke gates, then everything at once."""
    script = Script(CASES["revert after completion, former there"])
    script.play()

    splits = [a.weights.traffic for a in script.history.plane.written if isinstance(a, actions.SetTraffic)]

    assert splits[-1] == (("blue", 100),)
    assert splits[-2] == (("green", 100),)
