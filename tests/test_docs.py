"""What the documents name exists, and what they promise to be equal is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/adr").glob("*.md")]
ELSEWHERE = ("tutorial.md", "cli.md")
"""Pages about a reader's own paths, and about names that only look like paths."""
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS])


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")


def _leads(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists() or not anchor:
        return target.exists()
    return anchor in map(_anchor, re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files beside the page, and headings in them."""
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if not link.startswith("http")]
    assert [link for link in links if not _leads(page, link)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in ELSEWHERE], ids=lambda page: page.name)
def test_every_path_of_the_project_exists(page: Path) -> None:
    """`rollout/core/place.py`, `tests/worlds`, `plans/…`, …; those of the tutorial are its reader's own."""
    named = re.findall(r"`((?:rollout|tests|plans|schemas|docs|benchmarks)/[\w./-]*)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_site_lists_every_page() -> None:
    """What docs/index.md does not list, nobody finds (and `make docs` fails)."""
    listed = re.findall(r"^([\w-]+)$", (ROOT / "docs/index.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(page.stem for page in PAGES if page.parent.name == "docs" and page.stem != "index")


def test_the_test_command_is_the_same_everywhere() -> None:
    """README, CI and Makefile agree on `make test`, and on what it runs."""
    assert "make test " in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "make test"
    recipe = re.search(r"^test:.*\n\t(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    command = recipe[1].removeprefix("$(DEV)/bin/")
    assert f"`{command}`" in (ROOT / "README.md").read_text()


def test_the_plan_of_the_readme_is_the_sample() -> None:
    """Line by line, without the comments at its top."""
    shown = re.search(r"```yaml\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    sample = (ROOT / "plans/house-prices.rollout.yml").read_text()
    assert shown is not None
    assert shown[1] == sample[sample.index("version: 1") :]


def test_every_dependency_is_justified() -> None:
    """Each name of `pyproject.toml` has its line in docs/dependencies.md, and no other has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(entry for extra in extras.values() for entry in extra)]
    names = {re.split(r"[>=<~!]", entry, maxsplit=1)[0] for entry in wanted}
    lines = re.findall(r"^\| (`.+?) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    told = {re.split(r"[>=<~!]", name, maxsplit=1)[0] for line in lines for name in re.findall(r"`([^`]+)`", line)}
    assert told == names
