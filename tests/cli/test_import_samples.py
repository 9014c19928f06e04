"""The sample plans, imported after every single write of their rollouts: the first diff is always empty."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.azure.arm import ArmControlPlane
from rollout.azure.operations import Pace
from rollout.azure.target import Target, connect
from rollout.core.actions import Action
from rollout.core.change_set import change_set
from rollout.core.decision import Decision
from rollout.core.observed import Endpoint, Observation
from rollout.core.release import Gate, GateKind
from rollout.core.verdict import Outcome, Verdict
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.errors import UsageError
from rollout.plan.importing import imported
from rollout.plan.load import load_release
from rollout.ports import RequestCount
from rollout.runner import Limits, Runner

pytestmark = pytest.mark.slow

PLANS = Path(__file__).parents[2] / "plans"
SAMPLES = ("house-prices", "safe-rollout", "broken", "broken-smoke")


class Watched:
    """A control plane that imports what is there after each write; nothing else is different."""

    def __init__(self, plane: ArmControlPlane, folder: Path) -> None:
        self.requests: RequestCount = plane.requests
        self.logs, self.settle, self.observe = plane.logs, plane.settle, plane.observe
        self._plane, self._folder = plane, folder
        self.seen: list[str] = []

    async def apply(self, action: Action, before: Endpoint | None) -> None:
        """Write; then import, and compare the import with the endpoint."""
        name = before.name if before else action.endpoint.name  # type: ignore[union-attr]
        await self._plane.apply(action, before)
        seen, bodies = await self._plane.observe(name), await self._plane.bodies(name)
        assert seen.endpoint is not None
        assert bodies.endpoint is not None
        by_name = {str(body["name"]).lower(): body for body in bodies.deployments}
        try:
            found = imported(seen.endpoint, bodies.endpoint, by_name)
        except UsageError:
            assert seen.endpoint.weights.serving == ()
            self.seen.append("serves nothing")
            return
        for file, text in found.files.items():
            (self._folder / file).write_text(text)
        changes = change_set(load_release(self._folder / "plan.yml").release, seen)
        assert changes.actions == (), (action, seen.endpoint.weights, changes.decision)
        self.seen.append(changes.decision.status.value)


class Quick:
    """Nobody waits; the emulator's own time is fast."""

    async def sleep(self, seconds: float) -> None:
        """A moment."""
        await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    """Without scoring processes: the verdicts are given."""
    with EmulatorServer(tmp_path_factory.mktemp("emulator"), Options(speed=20000, throttle=False)) as running:
        yield running


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL])
def test_imported_after_every_write(server: EmulatorServer, tmp_path: Path, sample: str, outcome: Outcome) -> None:
    """From nothing to the end, with all gates passed, and with all failed: two goals in a row."""
    plans, there = tmp_path / "plans", tmp_path / "imported"
    shutil.copytree(PLANS, plans)
    there.mkdir()
    known = server.service.identity
    target = Target(
        subscription_id=known.subscription_id,
        resource_group=known.resource_group,
        workspace=known.workspace,
        arm_url=server.url,
        ca_bundle=str(server.state_dir / "ca.pem"),
        environment=server.environment(),
    )
    for file in plans.rglob("*endpoint.yml"):
        file.write_text(file.read_text().replace("name: ", f"name: {outcome.value[0].lower()}-", 1))
    for file in plans.rglob("*deployment.yml"):
        file.write_text(file.read_text().replace("endpoint_name: ", f"endpoint_name: {outcome.value[0].lower()}-"))

    seen = asyncio.run(_released(target, plans, there, sample, outcome))

    assert set(seen) <= {"serves nothing", "done", "refuse", "hold", "wait"}
    assert "done" in seen


async def _released(target: Target, plans: Path, there: Path, sample: str, outcome: Outcome) -> list[str]:
    async def measure(gate: Gate, observation: Observation, decision: Decision) -> Verdict:
        first = not decision.roles.stable
        bake = gate.kind is GateKind.BAKE
        return Verdict(outcome=Outcome.PASS if first or bake else outcome, reason="given")

    async with connect(target, pace=Pace(first=0.02, slowest=0.1)) as connection:
        plane = Watched(connection.control_plane, there)
        for model in ("models/v1", "models/v2"):
            deployment = plans / "house-prices" / "deployment.yml"
            deployment.write_text(deployment.read_text().replace("models/v1", model))
            release = load_release(plans / f"{sample}.rollout.yml").release
            runner = Runner(release, plane, measure, Quick(), allowed=frozenset({"creates-endpoint"}))
            await runner.run(Limits(max_wait=timedelta(days=2).total_seconds()))
        return plane.seen
