"""An emulator process as a target: started for the suite, stopped after it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rollout.emulator import process
from tests.conformance.target import Target


@contextmanager
def emulator(state_dir: Path, speed: float, *extra: str) -> Iterator[Target]:
    """Serve one workspace; `speed` is seconds of the service's time in a real one."""
    told = process.start(state_dir, speed=speed, parent_pid=os.getpid(), extra=extra)
    known = process.env(state_dir)
    target = Target(
        management=told["url"],
        subscription=told["subscription_id"],
        group=told["resource_group"],
        workspace=told["workspace"],
        token=_signed_in(known),
        verify=told["ca_bundle"],
        doors=f"{told['url']}/_emulator",
        variables=known,
    )
    try:
        yield target
    finally:
        target.session.close()
        process.stop(state_dir)


def _signed_in(known: dict[str, str]) -> Callable[[str], str]:
    """Tokens of azure-identity itself, kept for the time of the suite."""
    from azure.identity import ClientSecretCredential

    credential = ClientSecretCredential(
        known["ROLLOUT_EMULATOR_TENANT_ID"],
        known["AZURE_CLIENT_ID"],
        known["AZURE_CLIENT_SECRET"],
        authority=known["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
        connection_verify=known["REQUESTS_CA_BUNDLE"],
    )

    @functools.cache
    def token(scope: str) -> str:
        return credential.get_token(scope).token

    return token
