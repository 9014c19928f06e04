"""The lock files pin all that `pyproject.toml` asks for, by hash, and name no registry."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
BUILD = ["hatchling", "hatch-vcs"]
WANTED = {
    "runtime": PROJECT["dependencies"],
    "demo": [*PROJECT["dependencies"], *EXTRAS["emulator"], *BUILD],
    "dev": [*PROJECT["dependencies"], *EXTRAS["dev"], *BUILD],
    "worker": [*PROJECT["dependencies"], *EXTRAS["worker"]],
    "release": EXTRAS["release"],
}
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\\n]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


def text(lock: str) -> str:
    """The lock file of that name."""
    return (ROOT / f"requirements/{lock}.txt").read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by name; there are several where they depend on the Python."""
    found: dict[str, set[str]] = {}
    for name, version, _ in _PIN.findall(text(lock)):
        found.setdefault(name, set()).add(version)
    return found


def asked(entries: list[str]) -> Iterator[Requirement]:
    """What is asked for, our own extras resolved."""
    for entry in entries:
        requirement = Requirement(entry)
        if requirement.name == PROJECT["name"]:
            yield from asked([inner for extra in sorted(requirement.extras) for inner in EXTRAS[extra]])
        else:
            yield requirement


@pytest.mark.parametrize("lock", WANTED)
def test_all_that_is_asked_for_is_pinned(lock: str) -> None:
    """Each requirement has a version in its range; `make lock` after a change of `pyproject.toml`."""
    pinned = pins(lock)
    for requirement in asked(WANTED[lock]):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement} is not in requirements/{lock}.txt: make lock"
        unfit = [one for one in versions if not requirement.specifier.contains(one, prereleases=True)]
        assert unfit == [], f"{requirement}: make lock"


@pytest.mark.parametrize("lock", WANTED)
def test_everything_has_its_hashes_and_nothing_else_is_in_it(lock: str) -> None:
    """No address, no option, no package without a hash, none of ours."""
    assert _PIN.sub("", text(lock)).split() == []
    assert "azureml-rollout" not in pins(lock)


def test_the_lock_files_agree() -> None:
    """What is tested is what the demo and a deployment run on."""
    dev = pins("dev")
    for lock in ("runtime", "demo"):
        assert {name: versions for name, versions in pins(lock).items() if dev.get(name) != versions} == {}


def test_there_are_no_others() -> None:
    """A lock file that nobody checks would rot."""
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(WANTED)
