"""Tokens for a database, from the identity that signs in to everything else."""

from __future__ import annotations

import pytest

from rollout.azure.database import database_token
from rollout.errors import SignInError
from tests.azure.conftest import Bench


def test_a_token_is_kept_while_it_is_valid(bench: Bench) -> None:
    """Fetched from the emulator's identity endpoint; the next connection gets the same one."""
    token = database_token(bench.target.environment, ca_bundle=bench.target.ca_bundle)
    assert token() == token()
    assert token().count(".") == 2


def test_a_refused_sign_in(bench: Bench) -> None:
    """Exit 9; the secret is in no sentence."""
    wrong = {**(bench.target.environment or {}), "AZURE_CLIENT_SECRET": "open-sesame"}
    with pytest.raises(SignInError) as caught:
        database_token(wrong, ca_bundle=bench.target.ca_bundle)()
    assert "open-sesame" not in f"{caught.value} {caught.value.hint}"
