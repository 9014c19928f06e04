"""A certificate for loopback from a certificate authority of the emulator's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths: `ca_bundle` for clients to trust, `server` (certificate and private key) for the server."""

    ca_bundle: Path
    server: Path


def certificates(state_dir: Path) -> Certificates:
    """The state directory's certificates, made when there are none. The authority's own key is not kept."""
    found = Certificates(state_dir / "ca.pem", state_dir / "server.pem")
    if found.ca_bundle.exists() and found.server.exists():
        return found
    authority = trustme.CA(organization_name="rollout emulator")
    issued = authority.issue_cert("127.0.0.1", "localhost")
    found.server.touch(mode=0o600)
    issued.private_key_and_cert_chain_pem.write_to_path(found.server)
    authority.cert_pem.write_to_path(found.ca_bundle)
    return found
