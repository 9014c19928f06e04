"""Formatting and setting: comments stay, lines that are not concerned stay, and nothing changes its meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.errors import PlanError, RolloutError
from rollout.plan.editing import edited, formatted, parse_path, removed, value_of
from rollout.plan.loader import load_text
from tests.plan.conftest import DEPLOYMENT, ENDPOINT, ROLES
from tests.plan.test_forms import FULL, LITERAL

UGLY = """\
# a plan
version: 1   # the only one
name:   house-prices
target: {subscription_id:  "1",resource_group: 'g' , workspace: w}
stages:
- deploy: candidate   # first
-   name: watch
    bake: 30m  # why
# between

- traffic: 100
text: |
  kept
   as it is
odd: [yes, 1e3, 010, 2001-12-14t21:59:43.10-05:00, 1_000, ~, null, .5]
empty:
# the end
"""
TIDY = """\
# a plan
version: 1   # the only one
name: house-prices
target: {subscription_id: "1", resource_group: 'g', workspace: w}
stages:
  - deploy: candidate # first
  - name: watch
    bake: 30m  # why
# between

  - traffic: 100
text: |
  kept
   as it is
odd: [yes, 1e3, 010, 2001-12-14t21:59:43.10-05:00, 1_000, ~, null, .5]
empty:
# the end
"""
PLANS = [path.read_text() for path in sorted((Path(__file__).parents[2] / "plans").rglob("*.yml"))]


def test_one_form() -> None:
    """Two spaces, dashes below their key indented, one space after colons and commas; words are left as they are."""
    assert formatted(UGLY, "x") == TIDY


@pytest.mark.parametrize("text", [UGLY, ROLES, FULL, LITERAL, DEPLOYMENT, ENDPOINT, *PLANS])
def test_twice_is_as_once(text: str) -> None:
    """The meaning is the same, the comments are there, and a second time changes nothing."""
    once = formatted(text, "x")
    assert formatted(once, "x") == once
    assert load_text(once, "x").data == load_text(text, "x").data
    assert [line.partition("#")[2] for line in once.splitlines() if "#" in line] == [
        line.partition("#")[2] for line in text.splitlines() if "#" in line
    ]


def test_the_sample_plans_are_formatted() -> None:
    """As committed."""
    assert [formatted(text, "x") for text in PLANS] == PLANS


def test_line_ends_and_marks() -> None:
    """Windows' line ends and empty lines at the end go."""
    assert formatted("version: 1\r\na:   2\r\n\r\n\r\n", "x") == "version: 1\na: 2\n"


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("stages.watch.bake", "1h", "    bake: 30m  # why", "    bake: 1h  # why"),
        ("stages[1].bake", "1h", "    bake: 30m  # why", "    bake: 1h  # why"),
        ("name", "'10'", "name:   house-prices", 'name:   "10"'),
        ("version", "2", "version: 1   # the", "version: 2   # the"),
        ("target.resource_group", "ml", "'g'", "ml"),
        ("target.workspace", "a, b", "workspace: w", 'workspace: "a, b"'),
    ],
)
def test_a_scalar_changes_in_place(path: str, value: str, old: str, new: str) -> None:
    """One line, and only that."""
    found = edited(UGLY, "x", parse_path(path, load_text(UGLY, "x").data), value_of(value))
    assert found == UGLY.replace(old, new)


def test_what_is_new_is_added() -> None:
    """A short form becomes a long one where something stands beside the file; dashes stay where they are."""
    text = "# a\ncandidate: house.yml  # b\nstages:\n- deploy: candidate  # c\n"
    assert (
        edited(text, "x", ("candidate", "set", "tags"), {"a": "10", "b": [True, None, "yes", 2]})
        == """\
# a
candidate:            # b
  file: house.yml
  set:
    tags:
      a: "10"
      b:
      - true
      - null
      - yes
      - 2
stages:
- deploy: candidate  # c
"""
    )


def test_an_alias_is_not_its_anchor() -> None:
    """The other place keeps its value."""
    found = edited("a: &x 1\nb: *x\n", "x", ("b",), 2)
    assert load_text(found, "x").data == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a..b", "`a..b` is not a path"),
        ("", "`` is not a path"),
        ("stages.wach.bake", "no stage is called `wach`"),
        ("stages[9].bake", "there is no [9] there"),
        ("name.x", "`x` cannot be set inside of `house-prices`"),
        ("stages[1].bake.for", "`for` cannot be set inside of `30m`"),
    ],
)
def test_paths_that_lead_nowhere(path: str, message: str) -> None:
    """Said before anything is changed."""
    data = load_text(UGLY, "x").data
    with pytest.raises(RolloutError) as caught:
        edited(UGLY, "x", parse_path(path, data), 1)
    assert str(caught.value) == message


def test_what_the_round_trip_cannot_read() -> None:
    """A line end of YAML 1.1 that is none in 1.2: said, and nothing written."""
    with pytest.raises(RolloutError, match="this YAML is too unusual to be changed by a program"):
        formatted("a: 1\x85b: 2\n", "x")


def test_what_is_not_yaml_is_refused() -> None:
    """A file with faults is not formatted; a value with faults is not set."""
    with pytest.raises(PlanError, match="x:2:1: PLAN010: the key `a` is given twice"):
        formatted("a: 1\na: 2\n", "x")
    with pytest.raises(PlanError, match="the value:1:1: PLAN007"):
        value_of("!!python/object:os.system x")


LINES = """\
version: 1
# how many
candidate:
  file: a.yml          # the file
  set:
    instance_count: 3  # three
    # kept: it is about what follows
    tags: {a: b, c: d}
stages:
  - deploy: candidate
  - name: watch
    bake: 1h
  # the end
  - traffic: 100
"""


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("candidate.set.instance_count", "    instance_count: 3  # three\n"),
        ("candidate.set.tags", "    tags: {a: b, c: d}\n"),
        ("candidate.set", LINES[LINES.index("  set:") : LINES.index("stages:")]),
        ("stages.watch", "  - name: watch\n    bake: 1h\n"),
        ("stages[2]", "  - traffic: 100\n"),
        ("candidate.file", "  file: a.yml          # the file\n"),
        ("version", "version: 1\n"),
    ],
)
def test_what_is_removed_takes_its_lines_with_it(path: str, gone: str) -> None:
    """And nothing else: comments about other things stay."""
    found = removed(LINES, "x", parse_path(path, load_text(LINES, "x").data))
    assert found == LINES.replace(gone, "")


def test_what_shares_its_line_is_removed_alone() -> None:
    """An entry of a mapping in braces; the first key of a list's entry; the last key of a mapping."""
    text = removed(LINES, "x", ("candidate", "set", "tags", "a"))
    assert text == LINES.replace("{a: b, c: d}", "{c: d}")
    assert load_text(removed(LINES, "x", ("stages", 1, "name")), "x").data["stages"][1] == {"bake": "1h"}
    assert load_text(removed("a:\n  b: 1\nc: 2\n", "x", ("a", "b")), "x").data == {"a": {}, "c": 2}


@pytest.mark.parametrize("path", [("stage",), ("candidate", "sets"), ("stages", 3), ("version", "x"), ("stages", "x")])
def test_what_is_not_there_cannot_be_removed(path: tuple[str | int, ...]) -> None:
    """Said, not passed over: the name may be misspelt."""
    with pytest.raises(RolloutError, match=r"^there is no `\w+` to remove$"):
        removed(LINES, "x", path)
