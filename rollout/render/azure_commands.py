"""Logging commands of Azure Pipelines: issues at their places, the facts as output variables.

https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands. The agent (`CommandStringConvertor`) reads
`%AZP25`, `%0D`, `%0A` in a message, and `%3B`, `%5D` in a property, too; it takes `##vso[` anywhere in a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rollout.render import harmless
from rollout.render.document import AnyDocument, Finding
from rollout.render.findings import ORDER, findings
from rollout.render.github_output import KEYS, facts

PER_LEVEL: Final = 10
"""As many of each level as on GitHub: a run's page is for the first glance."""
_KNOWN: Final = ("error", "warning")
"""What an issue can be; anything else is a line of its own colour."""


def azure_annotations(document: AnyDocument) -> str:
    """One line for each; "" if there is nothing to say."""
    found = findings(document)
    return "".join(f"{text}\n" for level in ORDER for text in _level(level, found))


def azure_output(document: AnyDocument) -> str:
    """All keys in their order, each as a variable of the step."""
    return variables({**dict.fromkeys(KEYS, ""), **facts(document)})


def variables(told: Mapping[str, str]) -> str:
    """Output variables, `has-changes` as `has_changes`: names have no dashes there."""
    return "".join(f"##vso[task.setvariable variable={_name(key)};isOutput=true]{_value(told[key])}\n" for key in told)


def issue(level: str, text: str) -> str:
    """A command that shows a text in the run's list of issues."""
    return f"##vso[task.logissue type={level}]{_data(text)}"


def summary(path: str) -> str:
    """The command that shows a Markdown file (its absolute path) on the run's page."""
    return f"##vso[task.uploadsummary]{_data(path)}"


def _level(level: str, found: tuple[Finding, ...]) -> Iterator[str]:
    mine = [finding for finding in found if finding.severity == level]
    shown = mine if len(mine) <= PER_LEVEL else mine[: PER_LEVEL - 1]
    yield from (_command(finding) if level in _KNOWN else _notice(finding.message) for finding in shown)
    if len(shown) < len(mine):
        more = f"and {len(mine) - len(shown)} more; the summary has them all"
        yield issue(level, more) if level in _KNOWN else _notice(more)


def _command(found: Finding) -> str:
    place = {"sourcepath": found.file, "linenumber": found.line, "columnnumber": found.column, "code": found.code}
    told = "".join(f";{key}={_property(str(value))}" for key, value in place.items() if value)
    return f"##vso[task.logissue type={found.severity}{told}]{_data(_whole(found))}"


def _whole(found: Finding) -> str:
    said = (("expected", found.expected), ("hint", found.hint))
    return found.message + "".join(f"\n{word}: {text}" for word, text in said if text)


def _notice(text: str) -> str:
    return f"##[section]{harmless.line(text)}"


def _name(key: str) -> str:
    return key.replace("-", "_")


def _value(text: str) -> str:
    """One line; `$(NAME)` in it would be filled in where the variable is used."""
    return _data(harmless.line(text).replace("$(", "$ ("))


def _data(text: str, most: int = 4_000) -> str:
    cut = harmless.block(text[:most] + harmless.MORE if len(text) > most else text)
    return cut.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str, most: int = 500) -> str:
    return _data(harmless.line(text, most)).replace(";", "%3B").replace("]", "%5D")
