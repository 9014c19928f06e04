"""Which workspace? From the flag, the environment or the plan; the emulator is found by its state directory.

`ROLLOUT_ARM_URL` names another Resource Manager than the public cloud's, `ROLLOUT_CA_BUNDLE` further certificate
authorities (PEM), e.g. those of a proxy.
"""

from __future__ import annotations

import os
import re
from typing import Final

from rollout.azure.address import PUBLIC_ARM, Target
from rollout.cli.place import Place
from rollout.errors import UsageError
from rollout.plan.load import Target as PlanTarget

_WORKSPACE: Final = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)"
    r"(?:/onlineEndpoints/(?P<endpoint>[^/]+))?/?$",
    re.IGNORECASE,
)
_EXPECTED: Final = "`emulator`, SUBSCRIPTION/RESOURCE_GROUP/WORKSPACE, or a workspace's ARM id"


def resolve(flag: str | None, plan: PlanTarget | None) -> Place:
    """The flag (or variable) wins over the plan. Raises UsageError where neither says a workspace."""
    if flag == "emulator":
        from rollout.cli.emulated import running_emulator

        return running_emulator()
    if flag:
        subscription, group, workspace = _parts(flag)
    elif plan is not None:
        subscription, group, workspace = plan.subscription_id, plan.resource_group, plan.workspace
    else:
        raise UsageError(
            "no target: neither the plan nor the command line says which workspace",
            hint=f"--target (or ROLLOUT_TARGET) takes {_EXPECTED}; or write `target:` into the plan",
        )
    target = Target(
        subscription_id=subscription,
        resource_group=group,
        workspace=workspace,
        arm_url=os.environ.get("ROLLOUT_ARM_URL") or PUBLIC_ARM,
        ca_bundle=os.environ.get("ROLLOUT_CA_BUNDLE") or None,
    )
    return Place(target, 1.0, f"{subscription}/{group}/{workspace}")


def resolve_endpoint(identity: str, flag: str | None) -> tuple[Place, str]:
    """The workspace and the name of an endpoint given by its ARM id, or by its name and a target."""
    match = _WORKSPACE.fullmatch(identity)
    if match is None and "/" in identity:
        raise UsageError(f"{identity} is not an endpoint's ARM id or name")
    if match is None:
        return resolve(flag, None), identity.lower()
    if not match["endpoint"]:
        raise UsageError(f"{identity} names a workspace, not an endpoint", hint="…/onlineEndpoints/NAME")
    if flag == "emulator":
        return resolve(flag, None), match["endpoint"].lower()
    return resolve(identity.rpartition("/onlineEndpoints/")[0] or identity, None), match["endpoint"].lower()


def _parts(flag: str) -> tuple[str, str, str]:
    match = _WORKSPACE.fullmatch(flag)
    if match is not None:
        return match["subscription"], match["group"], match["workspace"]
    parts = flag.split("/")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{flag!r} is not a target", hint=f"expected {_EXPECTED}")
    return parts[0], parts[1], parts[2]
