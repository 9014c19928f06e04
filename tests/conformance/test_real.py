"""The form for a real workspace, tried on an emulator that it takes for one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import real
from tests.conformance.emulated import emulator

ROOT = Path(__file__).parents[2]


def test_a_workspace_is_named_in_three_parts() -> None:
    """And in no other way."""
    for where in ("subscription/group", "subscription//workspace", "a/b/c/d"):
        with pytest.raises(ValueError, match="must be SUBSCRIPTION/GROUP/WORKSPACE"):
            real.workspace(where)


@pytest.mark.slow
def test_the_suite_against_a_workspace(tmp_path: Path) -> None:
    """It warns, skips what needs doors, reports what is unverified instead of failing, and leaves nothing behind."""
    with emulator(tmp_path, 20_000.0, "--no-processes") as target:
        where = f"{target.subscription}/{target.group}/{target.workspace}"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
        command += ["tests/conformance/test_deletion.py", "tests/conformance/test_names.py"]
        known = {**os.environ, **target.variables, real.VARIABLE: where, real.ADDRESS: target.management}
        done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, timeout=300)
        left = target.read("onlineEndpoints")["value"]
    assert (done.returncode, left) == (0, []), done.stdout
    assert real.WARNING.format(where=where) in done.stdout
    assert re.search(r"26 passed, 2 skipped, 2 xpassed", done.stdout), done.stdout[-300:]
