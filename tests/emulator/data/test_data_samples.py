"""The sample plans' deployments, run as they are: their models differ, and the broken one breaks as it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rollout.emulator.backend import Container

if TYPE_CHECKING:
    from tests.emulator.data.conftest import Plane, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLANS = Path(__file__).parents[3] / "plans"
SAMPLE = json.loads((PLANS / "house-prices/sample-request.json").read_text(encoding="utf-8"))
LIVE = json.loads((PLANS / "house-prices/live-request.json").read_text(encoding="utf-8"))


async def deploy(plane: Plane, endpoint: str, deployment: str, file: str, model: str = "") -> None:
    """Run a deployment file's script and model (`model` instead of the declared one)."""
    path = PLANS / file
    declared: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    code = declared["code_configuration"]
    container = Container(
        endpoint=endpoint,
        deployment=deployment,
        code_dir=path.parent / code["code"],
        scoring_script=code["scoring_script"],
        model_dir=path.parent / (model or declared["model"]["path"]),
        max_concurrent=declared["request_settings"]["max_concurrent_requests_per_instance"],
    )
    outcome = await plane.router.deploy(container)
    assert outcome.ok, plane.router.logs(endpoint, deployment, 50)


async def prices(plane: Plane, endpoint: str, deployment: str, request: Any) -> Any:
    """The model's answer, or the status if there is none."""
    reply: Reply = await plane.score(endpoint, deployment, **request)
    return reply.json if reply.status == 200 else reply.status


async def test_models_differ(plane: Plane) -> None:
    """The three releases give measurably different prices for the same houses."""
    plane.route("models", {})
    answers = {}
    for version in ("v1", "v2", "v3"):
        await deploy(plane, "models", version, "house-prices/deployment.yml", f"models/{version}")
        answers[version] = await prices(plane, "models", version, SAMPLE)
    assert answers == {
        "v1": {"version": "v1", "predictions": [304936.21, 506618.85]},
        "v2": {"version": "v2", "predictions": [387714.7, 442004.56]},
        "v3": {"version": "v3", "predictions": [346712.56, 381884.62]},
    }


async def test_wrong_unit_is_seen_by_the_golden_answer(plane: Plane) -> None:
    """The model that tells thousands is a thousandth of the golden answer."""
    plane.route("unit", {})
    await deploy(plane, "unit", "green", "broken/smoke-green-deployment.yml")
    golden = json.loads((PLANS / "broken/golden-answer.json").read_text(encoding="utf-8"))["predictions"]
    told = (await prices(plane, "unit", "green", SAMPLE))["predictions"]
    assert told == pytest.approx([price / 1000 for price in golden], rel=1e-3)


async def test_broken_model_passes_the_sample_and_crashes_on_live_traffic(plane: Plane) -> None:
    """Its smoke test's request is answered; a new building kills the container, again and again."""
    plane.route("broken", {})
    await deploy(plane, "broken", "green", "broken/green-deployment.yml")
    assert await prices(plane, "broken", "green", SAMPLE) == {"version": "v2", "predictions": [387714.7, 442004.56]}
    assert await prices(plane, "broken", "green", LIVE) == 424
    await plane.until("broken", "green", (1, 0))
    assert (await plane.score("broken", "green", path="swagger.json")).status == 424
    await plane.until("broken", "green", (1, 1))
    assert await prices(plane, "broken", "green", LIVE) == 424
