"""A password that lapses: each new connection has the one that is valid then, in queue, history and books."""

from __future__ import annotations

import uuid
from contextlib import aclosing

import pytest

from rollout.core.bucket import Whose
from rollout.errors import SignInError
from rollout.store.address import parse
from rollout.store.allowances import SharedBuckets
from rollout.store.history import History
from rollout.store.jobs import PassJob
from rollout.store.queue import opened
from rollout.store.schema import setup
from rollout.store.upgrade import ready, upgrade
from tests.store.postgres import Postgres


@pytest.fixture
def role(postgres: Postgres) -> str:
    """A role that may sign in by a password only, with a database of its name."""
    name = f"r{uuid.uuid4().hex[:8]}"
    postgres.run(f"CREATE ROLE {name} LOGIN PASSWORD 'first-token' IN ROLE app")
    postgres.run(f"CREATE DATABASE {name} OWNER {name}")
    return name


async def test_each_connection_signs_in_anew(postgres: Postgres, role: str) -> None:
    """The password is another one from some moment on: nothing that connects later uses the old one."""
    valid, asked = ["first-token"], list[str]()

    def token() -> str:
        asked.append(valid[0])
        return valid[0]

    url = postgres.address(role, user=role)
    found = parse(url, token)
    assert await setup(found) == "made"
    history = History(url, token)
    assert upgrade(history) == "made"
    postgres.run(f"ALTER ROLE {role} PASSWORD 'second-token'")
    with pytest.raises(SignInError) as refused:
        await setup(found)
    valid[0] = "second-token"
    async with opened(found) as queue, aclosing(SharedBuckets(found)) as buckets:
        assert await queue.add(PassJob(plan="p", endpoint="e"))
        assert await buckets.book(Whose(place="a", principal="p", kind="reads"), 250.0, 250.0, 1) is not None
    assert ready(History(url, token)).lines("e") == []
    assert set(asked) == {"first-token", "second-token"}
    assert "token" not in f"{refused.value}{refused.value.hint}{found!r}"
