"""Keys, tokens and signatures are never seen."""

from __future__ import annotations

import pickle

import pytest

from rollout.azure.secret import Secret, scrub

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


def test_a_secret_shows_nothing() -> None:
    """Not in text, not in a container, not in a pickle."""
    secret = Secret("hunter2")
    assert (str(secret), repr(secret), f"{[secret]}") == ("***", "Secret(***)", "[Secret(***)]")
    assert secret.reveal() == "hunter2"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://a.blob/c?sv=1&sig=aB%2Fc&se=2", "https://a.blob/c?sv=1&sig=***&se=2"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("AccountName=x;AccountKey=abc==;Endpoint=y", "AccountName=x;AccountKey=***;Endpoint=y"),
        ('{"primaryKey": "abcd", "n": 1}', '{"primaryKey": "***", "n": 1}'),
        (f"token {TOKEN} was refused", "token *** was refused"),
        ("client_secret=s3cret&grant_type=x", "client_secret=***&grant_type=x"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_text_of_others_is_scrubbed(text: str, clean: str) -> None:
    """What looks like a secret goes, the rest stays."""
    assert scrub(text) == clean
