"""docs/cli.md, from the commands themselves: `python -m tests.pages.cli_page > docs/cli.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import click

from rollout.cli import exits
from rollout.cli.main import cli

HEAD: Final = """\
# Every command and option

Made from the commands themselves (`make pages`); [commands.md](commands.md) says the same in the order in which one
needs it. Every option that names a variable can be given by that variable as well.

"""


def page() -> str:
    """The whole page: a section for each command, then the exit codes."""
    context = click.Context(cli, info_name="rollout", auto_envvar_prefix="ROLLOUT")
    return HEAD + "\n".join([*_sections(cli, context), *_codes()])


def _sections(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        assert command is not None, "it is listed"
        inner = click.Context(command, info_name=name, parent=context)
        yield _section(command, inner)
        if isinstance(command, click.Group):
            yield from _sections(command, inner)


def _section(command: click.Command, context: click.Context) -> str:
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [_row(one, context) for one in command.params if isinstance(one, click.Option) and not one.hidden]
    table = "| option | what it does | variable |\n|---|---|---|\n" + "".join(rows) if rows else ""
    told = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    return f"## `{context.command_path}`\n\n```text\n{context.command_path} {usage}\n```\n\n{_safe(told)}\n\n{table}"


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None, "hidden ones are left out"
    names, told = record
    variable = option.envvar if isinstance(option.envvar, str) else ""
    words = re.sub(r"\s*\[env var: [A-Z_]+\]", "", told)
    words = re.sub(r"\[env var: [A-Z_]+; ", "[", words)
    return f"| {_code(names)} | {_safe(words)} | {_code(variable) if variable else ''} |\n"


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


def _safe(text: str) -> str:
    """`<` and `|` would be taken for HTML and the end of a cell."""
    return text.replace("<", "&lt;").replace("|", "\\|")


def _codes() -> Iterator[str]:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in sorted(exits.MEANING.items()))
    yield f"## Exit codes\n\n| code | meaning |\n|--:|---|\n{rows}"


if __name__ == "__main__":
    print(page(), end="")
