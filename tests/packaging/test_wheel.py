"""Wheel and source, as somebody gets them. ROLLOUT_PACKAGING=1 (`make packaging`); some minutes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("ROLLOUT_PACKAGING"), reason="the long form: ROLLOUT_PACKAGING=1"),
]
_LEFT_OUT = ("tests/", "docs/", "benchmarks/", "requirements/")


def run(*command: object, cwd: Path) -> str:
    """What the command printed; it must end well. Nothing of this checkout is on its path."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    text = list(map(str, command))
    done = subprocess.run(text, cwd=cwd, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def listed(*folders: str) -> list[str]:
    """The files that git knows, and those that it does not know yet and does not ignore."""
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *folders, cwd=ROOT).split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def copied(folder: Path) -> Path:
    """All of them, without git's own."""
    for name in listed():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def built(source: Path, where: Path, *what: str) -> list[Path]:
    """What `python -m build` makes of that folder."""
    run(sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", where, source, cwd=source)
    return sorted(where.glob("azureml*"), key=lambda path: path.suffix, reverse=True)


def tagged(source: Path, tag: str) -> Path:
    """The folder as a repository with one commit that has that tag."""
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    run("git", "init", "--quiet", cwd=source)
    run("git", "add", "--all", cwd=source)
    run("git", *who, "commit", "--quiet", "--message", "x", cwd=source)
    run("git", *who, "tag", "--annotate", tag, "--message", tag, cwd=source)
    return source


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and source of a commit with the tag v7.8.9; the wheel is built from the source."""
    source = tagged(copied(tmp_path_factory.mktemp("source")), "v7.8.9")
    wheel, archive = built(source, tmp_path_factory.mktemp("dist"))
    return wheel, archive


@pytest.fixture(scope="module")
def empty(released: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The programs of an environment that holds what the lock file pins, and the wheel."""
    folder = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", folder / "env", cwd=folder)
    pip = (folder / "env/bin/python", "-m", "pip", "install", "--quiet", "--no-deps")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements/demo.txt", cwd=folder)
    run(*pip, released[0], cwd=folder)
    run(folder / "env/bin/python", "-m", "pip", "check", cwd=folder)
    yield folder / "env/bin"
    shutil.rmtree(folder)


def test_names_and_version_are_those_of_the_tag(released: tuple[Path, Path]) -> None:
    """Nobody writes the version down."""
    assert [path.name for path in released] == [
        "azureml_rollout-7.8.9-py3-none-any.whl",
        "azureml_rollout-7.8.9.tar.gz",
    ]


def test_twine_finds_nothing(released: tuple[Path, Path]) -> None:
    """The page that a registry would show is readable; warnings count."""
    said = run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", *released, cwd=released[0].parent)
    assert said.count("PASSED") == 2


def test_all_files_of_the_package_are_in_the_wheel(released: tuple[Path, Path]) -> None:
    """Modules, templates, the samples of the demo, `py.typed`; and no test."""
    inside = set(zipfile.ZipFile(released[0]).namelist())
    wanted = {re.sub("^plans/", "rollout/samples/", name) for name in listed("rollout", "plans")}
    assert wanted - inside == set()
    assert "rollout/py.typed" in inside
    assert [name for name in inside if name.startswith(_LEFT_OUT) or ".pyc" in name] == []


def test_the_source_is_whole(released: tuple[Path, Path]) -> None:
    """Whoever packages it again can test it: every file is there."""
    with tarfile.open(released[1]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert set(listed()) - inside == set()


def test_a_tree_without_git_can_be_built(tmp_path: Path) -> None:
    """As an archive of the sources from a web page: the version is the one that pyproject.toml falls back to."""
    (wheel,) = built(copied(tmp_path / "tree"), tmp_path / "dist", "--wheel")
    assert wheel.name == "azureml_rollout-0.1.0-py3-none-any.whl"


def test_a_clone_without_tags_can_be_built(tmp_path: Path) -> None:
    """As a shallow clone in a job: some version of development."""
    source = tagged(copied(tmp_path / "clone"), "not-a-version")
    run("git", "tag", "--delete", "not-a-version", cwd=source)
    (wheel,) = built(source, tmp_path / "dist", "--wheel")
    assert re.fullmatch(r"azureml_rollout-0\.1(\.\d+)?\.dev\d+\+g[0-9a-f]+-py3-none-any\.whl", wheel.name)


def test_an_empty_environment_runs_the_demo(empty: Path, tmp_path: Path) -> None:
    """Away from the checkout: version, schema, templates, and the demo to its end."""
    assert run(empty / "rollout", "--version", cwd=tmp_path) == "rollout, version 7.8.9\n"
    assert '"$schema"' in run(empty / "rollout", "schema", cwd=tmp_path)
    (tmp_path / "new").mkdir()
    run("git", "init", "--quiet", cwd=tmp_path / "new")
    run(empty / "rollout", "init", "house", cwd=tmp_path / "new")
    where = run(empty / "python", "-c", "import rollout; print(rollout.__path__[0])", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(empty.parent)
    said = run(empty / "rollout", "demo", cwd=tmp_path)
    assert ("v3  converged" in said, ", 0 failed," in said) == (True, True), said
