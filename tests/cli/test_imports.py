"""No command imports what it does not use: every start pays for what is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rollout.cli.main import COMMANDS
from tests.cli.conftest import write_plan

HEAVY = (
    *("aiohttp", "azure", "cel", "dateutil", "holidays", "jinja2", "jmespath", "jsonschema", "msal", "numpy"),
    *("pathspec", "procrastinate", "psycopg", "requests", "rich", "ruamel", "sqlalchemy", "starlette", "uvicorn"),
)
"""Top-level packages that no `--help` needs, and no check of a plan."""
UNREAD = (
    *("azure.ai", "azure.monitor", "azure.storage", "marshmallow", "opentelemetry", "pandas"),
    *("procrastinate", "psycopg", "ruamel", "sqlalchemy", "starlette", "uvicorn"),
)
"""What no command needs that only looks at an endpoint."""

HELPS = """
import json, sys
from rollout.cli.main import COMMANDS, main
heavy, before, found = set(sys.argv[1].split(",")), set(), {}
for name in ("", *COMMANDS):
    main([name, "--help"] if name else ["--help"])
    loaded = heavy & {module.split(".")[0] for module in sys.modules}
    if loaded - before:
        found[name] = sorted(loaded - before)
    before = loaded
print(json.dumps(found))
"""
ONE = """
import json, sys
from rollout.cli.start import main
code = main()
print("\\n" + json.dumps({"code": code, "modules": sorted(sys.modules)}))
"""


def ran(program: str, *arguments: str, **environment: str) -> Any:
    """What that program, a fresh interpreter, says in its last line."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def heavy(modules: list[str], names: tuple[str, ...]) -> list[str]:
    """Those of `names` that are among the modules, each with or without what is below it."""
    return sorted({name for name in names for module in modules if module == name or module.startswith(f"{name}.")})


def test_no_help_loads_a_library_that_it_does_not_use() -> None:
    """All of them in one process, one after the other: what any of them loads would be found, and by whom."""
    assert len(COMMANDS) > 30
    assert ran(HELPS, ",".join(HEAVY)) == {}


@pytest.mark.parametrize("arguments", [("validate", "PLAN"), ("explain", "PLAN106")])
def test_what_is_offline_loads_nothing_of_the_network(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Really run; not even an event loop."""
    plan = str(write_plan(tmp_path, "offline"))
    told = ran(ONE, *(plan if argument == "PLAN" else argument for argument in arguments))

    assert told["code"] == 0
    assert heavy(told["modules"], (*HEAVY, "asyncio", "ssl", "rollout.azure", "rollout.emulator")) == []


@pytest.mark.parametrize(("command", "code"), [("status", 0), ("diff", 0), ("history", 6)])
def test_who_only_looks_loads_no_sdk(command: str, code: int, emulator: Path, tmp_path: Path) -> None:
    """Really run, against an emulator that has no such endpoint (6: of nothing there is no history)."""
    plan = str(write_plan(tmp_path, f"looked-{command}"))
    told = ran(ONE, command, plan, "--target", "emulator", ROLLOUT_STATE_DIR=str(emulator))

    assert told["code"] == code
    assert heavy(told["modules"], UNREAD) == []
