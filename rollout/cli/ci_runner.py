"""What `rollout ci` does for the machine that runs it: forms of the results, groups of the log, warnings, summaries."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from rollout.render import harmless

_GITHUB: Final = (
    ("GITHUB_STEP_SUMMARY", "github-summary"),
    ("GITHUB_ACTIONS", "github-annotations"),
)


class Runner(StrEnum):
    """Whose machine it is."""

    GITHUB = "github"
    AZURE = "azure"
    NONE = "none"


def runner_of(environment: Mapping[str, str]) -> Runner:
    """By the variable that each of them sets."""
    if environment.get("GITHUB_ACTIONS"):
        return Runner.GITHUB
    return Runner.AZURE if environment.get("TF_BUILD") else Runner.NONE


def forms(environment: Mapping[str, str], place: Path) -> list[str]:
    """What to give `--output` beside text and JSON; `place` is the result's path without its suffix."""
    if runner_of(environment) is Runner.AZURE:
        return [f"markdown={place}.md", f"junit={place}.junit.xml", "azure-devops-annotations"]
    return [form for variable, form in _GITHUB if environment.get(variable)]


def opened(environment: Mapping[str, str], title: str) -> str:
    """The line that begins a group of the log; "" where there are none."""
    match runner_of(environment):
        case Runner.GITHUB:
            return f"::group::{harmless.line(title)}"
        case Runner.AZURE:
            return f"##[group]{harmless.line(title)}"
        case Runner.NONE:
            return ""


def closed(environment: Mapping[str, str], place: Path) -> list[str]:
    """The lines that end it, and show what lies there as a summary."""
    match runner_of(environment):
        case Runner.GITHUB:
            return ["::endgroup::"]
        case Runner.AZURE:
            return ["##[endgroup]", *shown(environment, Path(f"{place}.md"))]
        case Runner.NONE:
            return []


def shown(environment: Mapping[str, str], path: Path) -> list[str]:
    """The line that puts a Markdown file on the run's page, where it takes one."""
    from rollout.render.azure_commands import summary

    return [summary(str(path.resolve()))] if runner_of(environment) is Runner.AZURE and path.is_file() else []


def warning(environment: Mapping[str, str], text: str) -> str:
    """The line that makes a warning of the run; "" where there are none."""
    from rollout.render.azure_commands import issue

    match runner_of(environment):
        case Runner.GITHUB:
            return f"::warning title=rollout::{harmless.data(text)}"
        case Runner.AZURE:
            return issue("warning", text)
        case Runner.NONE:
            return ""


def tell_simulation(environment: Mapping[str, str], folder: Path, text: str) -> list[str]:
    """Put it into the summary; the lines to print for that."""
    told = f"\n#### Simulated\n\n{harmless.fence(text, 'text')}\n"
    if path := environment.get("GITHUB_STEP_SUMMARY", ""):
        with Path(path).open("a", encoding="utf-8") as out:
            out.write(told)
    if runner_of(environment) is not Runner.AZURE:
        return []
    file = folder / "simulated.md"
    file.write_text(told, encoding="utf-8")
    return shown(environment, file)
