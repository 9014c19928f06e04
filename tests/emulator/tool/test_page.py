"""docs/emulator-as-a-tool.md: every block of it is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.emulator import process

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/emulator-as-a-tool.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def of(kind: str) -> list[str]:
    """The blocks in a language, in order."""
    return [text for language, text in BLOCKS if language == kind]


MAIN = "import sys; from rollout.cli.start import main; sys.exit(main())"
FILES = {match[1]: text for language, text in BLOCKS if (match := re.match(r"# ([\w.]+\.(?:py|ini))\n", text))}
SCRIPTS = {text.partition("\n")[0].lstrip("# "): text for text in of("python") if text not in FILES.values()}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An emulator for the blocks that need one."""
    folder = tmp_path_factory.mktemp("emulator")
    process.start(folder, speed=500, extra=("--no-processes",))
    yield folder
    process.stop(folder)


def run(command: list[str], folder: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run something with the variables, `rollout` and this interpreter on its path."""
    bin_ = folder / "bin"
    bin_.mkdir(exist_ok=True)
    rollout = bin_ / "rollout"
    rollout.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{MAIN}' \"$@\"\n")
    rollout.chmod(0o755)
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH", "LANG")}
    path = f"{bin_}:{Path(sys.executable).parent}:{known['PATH']}"
    found = {**known, "PATH": path, "PYTHONPATH": f"{ROOT}:{known.get('PYTHONPATH', '')}", **more}
    return subprocess.run(command, cwd=folder, env=found, capture_output=True, text=True, timeout=120, check=False)


def test_every_block_is_run() -> None:
    """There is none in a language that nobody runs here."""
    assert {language for language, _ in BLOCKS} == {"az", "bash", "console", "ini", "python"}
    assert set(FILES) == {"conftest.py", "test_release.py", "pytest.ini"}
    assert len(SCRIPTS) == 4


def test_pytest(tmp_path: Path) -> None:
    """The three files, as they are, in a folder of their own."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    ended = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], tmp_path, {})
    assert (ended.returncode, "3 passed" in ended.stdout) == (0, True), ended.stdout + ended.stderr


def test_the_plugin_costs_nothing() -> None:
    """Loaded, and not used: none of the emulator's libraries is imported."""
    code = "import sys, rollout.emulator.pytest_plugin; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    names = ended.stdout.split()
    heavy = ("aiohttp", "azure", "msgspec", "starlette", "uvicorn")
    assert [name for name in names if name.partition(".")[0] in heavy] == []
    assert [name for name in names if name.startswith("rollout.emulator.")] == ["rollout.emulator.pytest_plugin"]


SHELL = of("bash")


@pytest.mark.parametrize("number", range(len(SHELL)))
def test_shell(number: int, state: Path, tmp_path: Path) -> None:
    """Each block by itself, as a script that stops at the first error."""
    more = {} if "emulator start" in SHELL[number] else process.env(state)
    ended = run(["bash", "-euo", "pipefail", "-c", SHELL[number]], tmp_path, more)
    process.door(state, "PUT", "principals", [])
    process.door(state, "PUT", "policies", [])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert '"error":' not in ended.stdout


def test_clients(state: Path, tmp_path: Path) -> None:
    """Each of Microsoft's clients, one after the other in one program: importing them is what takes time."""
    ended = run([sys.executable, "-W", "ignore", "-c", "\n".join(SCRIPTS.values())], tmp_path, process.env(state))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[:3] == ["[]", "[]", "[]"]


@pytest.mark.skipif(shutil.which("az") is None, reason="az is not installed")
def test_az(state: Path, tmp_path: Path) -> None:
    """Where there is one."""
    (text,) = of("az")
    ended = run(["bash", "-euo", "pipefail", "-c", text], tmp_path, process.env(state))
    assert ended.returncode == 0, ended.stdout + ended.stderr
