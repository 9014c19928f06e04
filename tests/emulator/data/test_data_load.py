"""The load generator, as the process that it is, against a real data plane."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rollout.emulator.load import KEY_VARIABLE, arguments

if TYPE_CHECKING:
    from tests.emulator.data.conftest import Plane

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "a-key-of-the-tests"
ROOT = Path(__file__).parents[3]


async def generator(plane: Plane, tmp_path: Path, *options: str) -> asyncio.subprocess.Process:
    """Start it against the endpoint `loaded`."""
    (tmp_path / "body.json").write_text("{}", encoding="utf-8")
    common = ["--url", f"{plane.url}/loaded/score", "--body", str(tmp_path / "body.json"), "--out",
              str(tmp_path / "out.json")]  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rollout.emulator.load", *common, *options,
        env={**os.environ, KEY_VARIABLE: KEY, "PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def report(tmp_path: Path) -> dict[str, Any]:
    """What it wrote."""
    written: dict[str, Any] = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    return written


async def test_it_sends_as_many_as_it_was_told(plane: Plane, tmp_path: Path) -> None:
    """Bounded by count; the report has every answer by deployment; exit 0 as nothing failed."""
    await plane.serve("loaded", {"blue": 50, "green": 50}, max_concurrent=8)
    process = await generator(plane, tmp_path, "--rate", "100", "--count", "60", "--seconds", "30")
    assert await process.wait() == 0
    told = report(tmp_path)
    assert (told["done"], told["sent"], told["failed"], told["statuses"]) == (True, 60, 0, {"200": 60})
    assert set(told["deployments"]) == {"blue", "green"}
    assert sum(told["deployments"].values()) == 60


async def test_it_waits_for_an_endpoint_that_does_not_serve_yet(plane: Plane, tmp_path: Path) -> None:
    """What is answered before the first 200 does not count; time bounds it; failures after that make it exit 1."""
    await plane.serve("loaded", {"blue": 0})
    process = await generator(plane, tmp_path, "--rate", "50", "--seconds", "1.5", "--warm-up", "20")
    await asyncio.sleep(2.0)
    plane.route("loaded", {"blue": 100})
    await asyncio.sleep(1.0)
    plane.route("loaded", {"blue": 0})
    assert await process.wait() == 1
    told = report(tmp_path)
    assert set(told["statuses"]) - {"429"} == {"200", "404"}  # 429: on a machine that is busy otherwise
    assert any(found["text"].startswith("No valid deployments to route to.") for found in told["failures"])


async def test_it_ends_in_order_when_it_is_told_to(plane: Plane, tmp_path: Path) -> None:
    """SIGTERM ends it early, with a complete report."""
    await plane.serve("loaded", {"blue": 100})
    process = await generator(plane, tmp_path, "--rate", "20", "--seconds", "60")
    async with asyncio.timeout(20):
        while not (tmp_path / "out.json").exists() or not report(tmp_path)["sent"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert report(tmp_path)["done"] is True


async def test_the_key_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the variable it refuses to start, and the key is not in what the plan shows of itself."""
    body = tmp_path / "body.json"
    body.write_text("{}", encoding="utf-8")
    line = ["--url", "http://127.0.0.1:1/e/score", "--out", str(tmp_path / "out"), "--body", str(body)]
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(SystemExit):
        arguments(line)
    assert f"the environment variable {KEY_VARIABLE} must hold the endpoint's key" in capsys.readouterr().err
    monkeypatch.setenv(KEY_VARIABLE, "very-secret")
    plan, out = arguments(line)
    assert "very-secret" not in repr(plan)
    assert (plan.key, plan.bodies, out) == ("very-secret", (b"{}",), tmp_path / "out")
    with pytest.raises(SystemExit):
        arguments([*line, "--rate", "0"])
