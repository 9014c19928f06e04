"""What a client sees when models are slow, wrong, busy or gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from rollout.emulator.backend import Outcome

if TYPE_CHECKING:
    from tests.emulator.data.conftest import Plane

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_model_that_raises_is_424(plane: Plane) -> None:
    """An exception in run() is a 500 of the model, which leaves the front end as 424 with the original status."""
    await plane.serve("raises", {"blue": 100})
    reply = await plane.score("raises", fail=True)
    assert reply.status == 424
    assert reply.headers["ms-azureml-model-error-statuscode"] == "500"
    assert reply.headers["ms-azureml-model-error-reason"] == "model_error"
    assert reply.headers["x-ms-run-function-failed"] == "True"
    assert reply.headers["azureml-model-deployment"] == "blue"
    assert reply.json == {"message": "An unexpected error occurred in scoring script. Check the logs for more info."}
    assert "cannot score this" in plane.router.logs("raises", "blue", 200)


async def test_slow_model_is_408(plane: Plane) -> None:
    """No answer within the deployment's request timeout is 408, and the instance stays usable."""
    await plane.serve("slow", {"blue": 100}, timeout_ms=200)
    assert (await plane.score("slow", sleep=0.5)).status == 408
    await asyncio.sleep(0.5)
    assert (await plane.score("slow")).status == 200


async def test_busy_deployment_queues_then_refuses(plane: Plane) -> None:
    """One request runs, one waits, and what is beyond twice the concurrency is refused at once."""
    await plane.serve("busy", {"blue": 100})
    replies = await asyncio.gather(*(plane.score("busy", sleep=0.3) for _ in range(5)))
    assert Counter(reply.status for reply in replies) == {200: 2, 429: 3}
    refused = next(reply for reply in replies if reply.status == 429)
    assert (refused.text, refused.headers["ms-azureml-model-error-reason"]) == ("", "too_many_pending_request")


async def test_waiting_counts_against_the_timeout(plane: Plane) -> None:
    """A request that waits in the queue for too long gets 408 although nobody has worked on it."""
    await plane.serve("queue", {"blue": 100}, timeout_ms=400)
    first = asyncio.create_task(plane.score("queue", sleep=0.3))
    await asyncio.sleep(0.05)
    second = await plane.score("queue", sleep=0.3)
    assert ((await first).status, second.status) == (200, 408)


async def test_instances_share_the_load(plane: Plane) -> None:
    """Requests go round the instances."""
    await plane.serve("round", {"blue": 100}, count=2)
    replies = [await plane.score("round") for _ in range(10)]
    assert sorted(Counter(reply.json["instance"] for reply in replies).values()) == [5, 5]


async def test_crashed_container_is_started_again(plane: Plane) -> None:
    """While a crashed container waits for its restart, clients get 424 `model_not_ready`; then it serves again."""
    await plane.serve("crash", {"blue": 100})
    before = (await plane.score("crash")).json["instance"]
    crash = await plane.score("crash", die=True)
    down = await plane.score("crash")
    for reply in (crash, down):
        assert (reply.status, reply.headers["ms-azureml-model-error-reason"]) == (424, "model_not_ready")
    after = await plane.served_again("crash")
    assert after.status == 200
    assert after.json["instance"] != before


async def test_crash_of_one_instance_leaves_the_others(plane: Plane) -> None:
    """With two instances, the one that is left answers everything."""
    await plane.serve("half", {"blue": 100}, count=2, timeout_ms=2000)
    assert (await plane.score("half", die=True)).status == 424
    await plane.until("half", "blue", (2, 1))
    replies = [await plane.score("half") for _ in range(5)]
    assert {reply.status for reply in replies} == {200}


async def test_failing_init_fails_the_deployment(plane: Plane) -> None:
    """A script whose init() raises never serves; the outcome is the service's, and the log has the reason."""
    broken = plane.container("init", "blue", environment={"FAIL_INIT": "1"})
    assert await plane.router.deploy(broken) == Outcome(
        ok=False,
        code="ResourceNotReady",
        message="User container has crashed or terminated. Please see troubleshooting guide, available here: "
        "https://aka.ms/oe-tsg#error-resourcenotready",
    )
    assert "RuntimeError: there is no model in" in plane.router.logs("init", "blue", 100)
    plane.route("init", {})
    reply = await plane.score("init", "blue")
    assert (reply.status, reply.headers["ms-azureml-model-error-reason"]) == (424, "model_not_ready")
    assert (await plane.router.deploy(plane.container("init", "blue"))).ok
    assert (await plane.score("init", "blue")).status == 200


async def test_failing_update_keeps_what_serves(plane: Plane) -> None:
    """When the new container does not start, the instances of the old one go on."""
    await plane.serve("update", {"blue": 100})
    broken = plane.container("update", "blue", environment={"FAIL_INIT": "1"})
    assert (await plane.router.deploy(broken)).code == "ResourceNotReady"
    assert (await plane.score("update")).json["version"] == "blue"


async def test_missing_script_is_a_bad_argument(plane: Plane) -> None:
    """Code without the script is refused before anything starts."""
    outcome = await plane.router.deploy(plane.container("script", "blue", scoring_script="gone.py"))
    assert outcome == Outcome(
        ok=False, code="BadArgument", message="The scoring script gone.py is not in the code asset."
    )
