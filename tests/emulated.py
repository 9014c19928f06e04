"""An emulator in this process, as a target of requests."""

from __future__ import annotations

from rollout.azure.target import Target
from rollout.emulator.server import EmulatorServer


def target_of(server: EmulatorServer) -> Target:
    """Its workspace."""
    known = server.service.identity
    return Target(
        subscription_id=known.subscription_id,
        resource_group=known.resource_group,
        workspace=known.workspace,
        arm_url=server.url,
        ca_bundle=str(server.state_dir / "ca.pem"),
        environment=server.environment(),
    )
