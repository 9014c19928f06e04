"""The runner itself is as strict as the real one: what would fail there fails here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.github.expressions import condition, filled
from tests.github.steps import Log, key_values, run_script

CONTEXTS: dict[str, Any] = {
    "github": {"event_name": "push", "event": {"pull_request": {"head": {"repo": {"full_name": "acme/models"}}}}},
    "inputs": {"publish": "", "install": "", "count": "3"},
    "needs": {"diff": {"outputs": {"has-changes": "true"}}},
}


@pytest.mark.parametrize(
    ("written", "status", "wanted"),
    [
        ("needs.diff.outputs.has-changes == 'true'", "success", True),
        ("needs.diff.outputs.has-changes == 'true'", "failure", False),
        ("${{ always() && inputs.publish != '' }}", "failure", False),
        ("${{ always() && inputs.count == '3' }}", "failure", True),
        ("failure()", "failure", True),
        ("github.event.pull_request.head.repo.full_name != 'ACME/Models'", "success", False),
        ("github.event.nothing.here", "success", False),
        ("!(github.event_name == 'push' || inputs.publish)", "success", False),
    ],
)
def test_conditions(written: str, status: str, wanted: bool) -> None:
    """Texts are compared without case; without a status function a failure before skips the step."""
    assert condition(written, CONTEXTS, status) is wanted


def test_a_context_that_is_not_there_is_an_error() -> None:
    """As `vars` inside of an action."""
    with pytest.raises(AssertionError, match="there is no context vars here"):
        filled("${{ vars.X }}", CONTEXTS)


def test_values_are_filled_in() -> None:
    """`||` gives the first that is something."""
    assert filled("a ${{ inputs.install || github.event_name }} b", CONTEXTS) == "a push b"


def test_environment_files() -> None:
    """Blocks and lines; a value cannot begin another key; a block without its end is an error."""
    assert key_values("a=1\nb<<X\n1\nc=2\nX\na=2\n") == {"a": "2", "b": "1\nc=2"}
    with pytest.raises(AssertionError, match="the block of b has no end"):
        key_values("b<<X\n1\n")


def ran(tmp_path: Path, script: str, log: Log) -> Any:
    """A script in an empty folder."""
    return run_script(script, tmp_path, tmp_path / "step", {"PATH": os.environ["PATH"]}, log)


def test_masks_hide_what_comes_after(tmp_path: Path) -> None:
    """In lines and in annotations."""
    log = Log()
    ran(tmp_path, 'echo "::add-mask::s3cret"; echo "is s3cret"; echo "::error title=a%3Ab::s3cret%0Aline"', log)
    assert log.lines == ["is ***"]
    assert log.annotations == [("error", "a:b", "***\nline")]


def test_bash_stops_at_the_first_failure(tmp_path: Path) -> None:
    """Also inside of a pipe."""
    log = Log()
    assert ran(tmp_path, "echo one\nfalse | cat\necho two\n", log).code == 1
    assert log.lines == ["one"]


def test_a_summary_beyond_its_limit_is_dropped(tmp_path: Path) -> None:
    """All of it, as there."""
    assert ran(tmp_path, 'head -c 1048577 /dev/zero | tr "\\0" x >> "$GITHUB_STEP_SUMMARY"', Log()).summary == ""
