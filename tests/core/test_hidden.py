"""Which values are never shown."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.core.hidden import is_secret


@pytest.mark.parametrize(
    ("path", "value", "secret"),
    [
        ("environment_variables.API_KEY", "x", True),
        ("environment_variables.db_password", "x", True),
        ("environment_variables.ConnectionString", "x", True),
        ("token", "x", True),
        ("environment_variables.MODE", "x", False),
        ("environment_variables.secrets.mode", "x", False),
        ("request_settings.max_tokens", 5, False),
        ("tags.key", None, False),
    ],
)
def test_a_text_under_a_name_that_secrets_have(path: str, value: Any, secret: bool) -> None:
    """By the last part of its path, in any case; a number is none."""
    assert is_secret(path, value) is secret
