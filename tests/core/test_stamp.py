"""What we write into a deployment's own tags."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from rollout.core.observed import Deployment
from rollout.core.release import DeploymentSpec
from rollout.core.settings import revision_changes
from rollout.core.stamp import born_at, born_stamp, deployment_tags, same_content

FIELDS = {"code": "sha256:aa", "environment.image": "img", "instance_type": "f4", "model": "sha256:bb"}


def test_a_stamp_is_a_time() -> None:
    """There and back, to the second."""
    now = datetime(2026, 11, 22, 16, 45, 1, tzinfo=UTC)

    assert born_at(born_stamp(now)) == now
    assert born_stamp(now.astimezone(timezone(timedelta(hours=2)))) == "20261122T164501Z"
    for other in ("by hand", "", "20261122T164501", "20261122t164501Z", "20261322T164501Z", "2026112T164501Z1"):
        assert born_at(other) is None


def test_a_stamp_does_not_know_where_the_runner_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the service's time, in UTC."""
    now = datetime(2026, 11, 22, 16, 45, 1, tzinfo=UTC)
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        time.tzset()
        found = born_stamp(now)
    time.tzset()

    assert found == "20261122T164501Z"


def test_tags_say_what_local_parts_were() -> None:
    """Code, environment and model by a short digest; nothing else."""
    tags = deployment_tags("r1", "b1", FIELDS)

    assert tags == {
        "rollout.revision": "r1",
        "rollout.born": "b1",
        "rollout.contents": "code=e13d86e1;environment.image=b29814cf;model=9b03bd19",
    }
    assert same_content(tags, "code", "sha256:aa") is True
    assert same_content(tags, "code", "sha256:cc") is False
    assert same_content(tags, "instance_type", "f4") is None
    assert same_content({}, "code", "sha256:aa") is None


def test_contents_that_do_not_fit_are_left_out() -> None:
    """A tag's value has 256 characters; half a list would be a lie."""
    many = {f"environment.build.part{number}": number for number in range(20)}

    assert sorted(deployment_tags("r1", "b1", many)) == ["rollout.born", "rollout.revision"]
    assert sorted(deployment_tags("r1", "b1", {})) == ["rollout.born", "rollout.revision"]
    full, over = ({"model." + "p" * length: "sha256:aa"} for length in (241, 242))
    assert len(deployment_tags("r1", "b1", full)["rollout.contents"]) == 256
    assert "rollout.contents" not in deployment_tags("r1", "b1", over)


def test_a_diff_names_only_the_local_part_that_changed() -> None:
    """The service shows asset ids for all of them; the tag tells which one is another."""
    live = Deployment(
        name="blue",
        state="Succeeded",
        count=1,
        fields={"code": "azureml:c:1", "model": "azureml:m:1"},
        tags=deployment_tags("r1", "b1", {"code": "sha256:aa", "model": "sha256:bb"}),
    )
    declared = {"code": "sha256:aa", "model": "sha256:cc"}
    changes = revision_changes(DeploymentSpec(revision="r2", fields=declared), live)

    assert [(change.path, change.before, change.after) for change in changes] == [("model", "azureml:m:1", "sha256:cc")]
