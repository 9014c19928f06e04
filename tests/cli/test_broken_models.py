"""Two broken models with real scoring processes: neither gets past its gate, and stable ends with everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.cli.session import opened
from rollout.cli.targets import resolve
from rollout.emulator import process
from rollout.ports import ScoringAnswer, ScoringRequest
from tests.cli.conftest import Command

pytestmark = pytest.mark.slow
PLANS = Path(__file__).parents[2] / "plans"


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An emulator whose deployments really serve."""
    process.start(tmp_path, speed=500.0)
    monkeypatch.setenv("ROLLOUT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("ROLLOUT_TARGET", "emulator")
    yield tmp_path
    process.stop(tmp_path)


async def ask(endpoint: str, deployment: str, body: bytes) -> ScoringAnswer:
    """One request to one deployment."""
    async with opened(resolve("emulator", None)) as session:
        live = (await session.plane.observe(endpoint)).endpoint
        assert live is not None
        return await session.scoring.send(live, ScoringRequest(body=body, deployment=deployment))


def test_a_model_that_the_smoke_test_sees_never_gets_traffic(rollout: Command, serving: Path) -> None:
    """Exit 4 and the reason; then exit 10 and nothing more."""
    plan = PLANS / "broken-smoke.rollout.yml"
    ended = rollout("apply", plan, "--auto-approve", "-o", "json")
    assert ended.code == 4, ended.err
    assert ended.json["decision"]["phase"] == "rolled_back"
    assert ended.json["endpoint"]["traffic"] == {"blue": 100}
    assert "smoke: house-prices/sample-request.json: expected " in ended.err
    assert not any(entry["what"].startswith("traffic-10") for entry in ended.json["progress"]["history"])
    again = rollout("apply", plan, "-o", "json")
    assert (again.code, again.json["requests"]["writes"]) == (10, 0)


def test_a_model_that_crashes_at_ten_percent_is_rolled_back(rollout: Command, serving: Path) -> None:
    """Even if the platform has started it again by the time that anybody looks."""
    plan = PLANS / "broken.rollout.yml"
    started = rollout("apply", plan, "--auto-approve", "-o", "json")
    assert started.code == 0, started.err
    assert started.json["endpoint"]["traffic"] == {"blue": 90, "green": 10}
    deadly = (PLANS / "house-prices" / "live-request.json").read_bytes()
    assert asyncio.run(ask("broken", "green", deadly)).status == 424
    ended = rollout("apply", plan, "--auto-approve", "-o", "json")
    assert ended.code == 4, ended.err
    assert ended.json["endpoint"]["traffic"] == {"blue": 100}
    assert "fail     watch: the " in ended.err
    assert rollout("apply", plan).code == 10
