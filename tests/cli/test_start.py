"""The door of the command: quick, and everything as it should be behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PLANS = Path(__file__).parents[2] / "plans"
PROGRAM = """
import gc, json, sys
from rollout.cli.start import main
code = main()
told = {"code": code, "modules": sorted(sys.modules), "collects": gc.isenabled()}
print(json.dumps(told))
"""


def started(*arguments: str) -> dict[str, Any]:
    """What a fresh interpreter looks like after that command."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_an_ordinary_schema_needs_no_library() -> None:
    """The plan with a schema and assertions loads as little as any other."""
    told = started("validate", str(PLANS / "house-prices.rollout.yml"))
    assert told["code"] == 0
    assert not {"azure", "aiohttp", "rich", "jsonschema", "asyncio"} & set(told["modules"])


def test_without_a_policy_nothing_of_it_is_loaded() -> None:
    """No recurrences, no calendars, none of their language."""
    modules = set(started("validate", str(PLANS / "house-prices.rollout.yml"))["modules"])
    ours = {f"rollout.plan.policy_{part}" for part in ("models", "lowering", "times", "calendar", "cel")}
    assert not (ours | {"dateutil", "holidays", "cel"}) & modules


def test_what_only_looks_for_plugins_is_not_loaded() -> None:
    """`importlib.metadata` brings all of `email` with it; who asks for something in it gets it."""
    assert not {"email", "zipfile", "importlib.metadata._adapters"} & set(
        started("validate", str(PLANS / "house-prices.rollout.yml"))["modules"]
    )
    program = PROGRAM.replace("told =", "import importlib.metadata as asked; found = asked.version('click'); told =")
    plan = str(PLANS / "house-prices.rollout.yml")
    done = subprocess.run([sys.executable, "-c", program, "validate", plan], capture_output=True, text=True, check=True)
    assert "email" in json.loads(done.stdout.splitlines()[-1])["modules"]


def test_the_collector_runs_again() -> None:
    """It is only stopped while modules are imported."""
    assert started("validate", str(PLANS / "safe-rollout.rollout.yml"))["collects"]


def test_no_other_command_loads_a_database() -> None:
    """Whoever has no workers needs none of their libraries: not for its help, not for its work."""
    theirs = {"sqlalchemy", "alembic", "procrastinate", "psycopg", "psycopg_pool"}
    plan = str(PLANS / "house-prices.rollout.yml")
    for command in (
        ("validate", plan),
        ("reconcile", "--help"),
        ("apply", "--help"),
        ("worker", "--help"),
        ("queue", "--help"),
    ):
        loaded = set(started(*command)["modules"])
        assert not theirs & loaded, command
        assert not {name for name in loaded if name.startswith("rollout.store")}, command


def test_only_the_worker_s_modules_import_the_store() -> None:
    """In the source: every other module of the command line does without."""
    folder = Path(__file__).parents[2] / "rollout" / "cli"
    found = {path.stem for path in folder.glob("*.py") if "rollout.store" in path.read_text(encoding="utf-8")}
    assert found == {"queue", "queue_options", "queued", "queued_fleet", "store", "worker"}
