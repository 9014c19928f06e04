"""A real workspace as a target. Nothing here is cheap: endpoints and instances cost money, a deployment ten minutes."""

from __future__ import annotations

import os
from typing import Final

from tests.conformance.target import Target

VARIABLE: Final = "ROLLOUT_CONFORMANCE_TARGET"
ADDRESS: Final = "ROLLOUT_ARM_URL"
"""Resource Manager of another cloud."""
WARNING: Final = (
    "conformance against a real workspace ({where}): makes endpoints `conf-…` and Standard_DS3_v2 instances, which "
    "cost money; all of it takes about eight hours (`-k traffic` takes one). What it makes, it deletes again."
)


def named() -> str:
    """`SUBSCRIPTION/GROUP/WORKSPACE` of the environment; "" for the emulator."""
    return os.environ.get(VARIABLE, "")


def workspace(where: str) -> Target:
    """The workspace, signed in as the environment says. Raises `ValueError` for another form of name."""
    from azure.identity import DefaultAzureCredential

    subscription, group, name, *rest = [*where.split("/"), "", ""]
    if any(rest) or not (subscription and group and name):
        raise ValueError(f"{VARIABLE} must be SUBSCRIPTION/GROUP/WORKSPACE, not {where!r}")
    credential = DefaultAzureCredential()
    return Target(
        os.environ.get(ADDRESS, "https://management.azure.com"),
        subscription,
        group,
        name,
        lambda scope: credential.get_token(scope).token,
        verify=os.environ.get("REQUESTS_CA_BUNDLE", True),
    )
