"""What a state directory is: its ids, its secrets and the port it was last reached at. Made once, kept private."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path

import msgspec


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The emulator's own ids and secrets; saved readable for its owner only."""

    subscription_id: str
    workspace_guid: str
    tenant_id: str
    client_id: str
    client_secret: str
    signing_secret: str
    seed: str
    resource_group: str = "emulator"
    workspace: str = "emulator"
    location: str = "eastus2"
    port: int = 0

    @property
    def log_workspace_id(self) -> str:
        """The id of the Log Analytics workspace that gets the traffic log."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"logs of {self.workspace_guid}"))

    def __repr__(self) -> str:
        return f"Identity(workspace={self.workspace!r}, port={self.port})"


def identity(state_dir: Path) -> Identity:
    """The identity of a state directory; a new one is made up where there is none."""
    path = _path(state_dir)
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Identity)
    made = Identity(
        subscription_id=str(uuid.uuid4()),
        workspace_guid=str(uuid.uuid4()),
        tenant_id=str(uuid.uuid4()),
        client_id=str(uuid.uuid4()),
        client_secret=secrets.token_urlsafe(24),
        signing_secret=secrets.token_hex(32),
        seed=secrets.token_hex(32),
    )
    save(state_dir, made)
    return made


def save(state_dir: Path, value: Identity) -> None:
    """Write the identity, readable for its owner only."""
    fresh = state_dir / "identity.json.new"
    fresh.touch(mode=0o600)
    fresh.write_bytes(msgspec.json.encode(value))
    fresh.replace(_path(state_dir))


def _path(state_dir: Path) -> Path:
    return state_dir / "identity.json"
