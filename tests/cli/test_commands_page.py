"""`docs/commands.md` and the command line say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rollout.azure.credentials import Way
from rollout.cli.exits import MEANING
from rollout.cli.main import COMMANDS, cli

PAGE = (Path(__file__).parents[2] / "docs/commands.md").read_text()


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, those below `emulator` too."""
    with click.Context(cli) as ctx:
        for name in COMMANDS:
            found = cli.get_command(ctx, name)
            assert found is not None
            yield from _below(name, found)


def _below(name: str, found: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, found
    if isinstance(found, click.Group):
        for inner, command in found.commands.items():
            yield from _below(f"{name} {inner}", command)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_told(name: str) -> None:
    """With its name as it is typed."""
    assert re.search(rf"`rollout {name}\b", PAGE)


def test_every_flag_is_told() -> None:
    """The long form of each flag of each command."""
    flags = {
        flag
        for _, command in commands()
        for parameter in command.params
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("--")
    }
    assert len(flags) > 20
    assert {flag for flag in flags if not re.search(rf"{flag}\b", PAGE)} == set()


def test_no_flag_is_invented() -> None:
    """Whatever looks like a flag on the page exists."""
    known = {flag for _, command in commands() for parameter in command.params for flag in parameter.opts}
    known |= {flag for _, command in commands() for parameter in command.params for flag in parameter.secondary_opts}
    known |= {"--foo-bar", "--help", *(flag for parameter in cli.params for flag in parameter.opts)}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) - known == set()


def test_the_exit_codes_are_those_of_the_code() -> None:
    """Number and meaning, verbatim and in order."""
    told = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [(int(code), meaning) for code, meaning in told] == list(MEANING.items())


def test_the_ways_to_sign_in_are_those_of_the_adapter() -> None:
    """The words for `ROLLOUT_CREDENTIAL`."""
    told = re.search(r"names it \(([^)]*)\)", PAGE)
    assert told is not None
    assert re.findall(r"`([a-z_]+)`", told[1]) == [way.value for way in Way]
