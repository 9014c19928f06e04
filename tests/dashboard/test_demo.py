"""`rollout demo --dashboard`: the pages beside the demo."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rollout.cli.demo_dashboard import looked_at, until_interrupted
from rollout.errors import RolloutError
from tests.dashboard.bench import Site, Visitor

pytestmark = pytest.mark.slow


def test_it_is_looked_at(stand: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The demo's plan is shown, nobody can push a button, and the pages go with the demo."""
    (tmp_path / "emulator").symlink_to(stand.state)
    (tmp_path / "plans").symlink_to(stand.folder)

    async def look() -> tuple[str, str]:
        async with looked_at(tmp_path, "house.rollout.yml") as address:
            return address, await asyncio.to_thread(lambda: Visitor(address).page("/").text)

    address, shown = asyncio.run(look())
    assert capfd.readouterr().err == f"Dashboard: {address}\n"
    assert ("read only" in shown, "house" in shown, "churn" in shown) == (True, True, False)
    with pytest.raises(OSError):
        Visitor(address)


def test_a_plan_that_is_not_there(tmp_path: Path) -> None:
    """It is said how to find out more; nothing is left behind."""

    async def look() -> None:
        async with looked_at(tmp_path, "none.rollout.yml"):
            raise AssertionError("never reached")

    with pytest.raises(RolloutError) as raised:
        asyncio.run(look())
    assert str(raised.value) == "the dashboard does not come up"
    assert raised.value.hint == "rollout dashboard plans --target emulator says why"


def test_nobody_sits_there() -> None:
    """Without a terminal the demo ends when it is done."""
    asyncio.run(asyncio.wait_for(until_interrupted(), 1))
