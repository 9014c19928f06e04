"""What `rollout ci` does for the machine that runs it: forms of the results, groups of the log, warnings, summaries."""

from __future__ import annotations

import time
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
    GITLAB = "gitlab"
    NONE = "none"


def runner_of(environment: Mapping[str, str]) -> Runner:
    """By the variable that each of them sets."""
    if environment.get("GITHUB_ACTIONS"):
        return Runner.GITHUB
    if environment.get("GITLAB_CI"):
        return Runner.GITLAB
    return Runner.AZURE if environment.get("TF_BUILD") else Runner.NONE


def forms(environment: Mapping[str, str], place: Path) -> list[str]:
    """What to give `--output` beside text and JSON; `place` is the result's path without its suffix."""
    files = [f"markdown={place}.md", f"junit={place}.junit.xml"]
    match runner_of(environment):
        case Runner.AZURE:
            return [*files, "azure-devops-annotations"]
        case Runner.GITLAB:
            return files
    return [form for variable, form in _GITHUB if environment.get(variable)]


def opened(environment: Mapping[str, str], place: Path, title: str) -> str:
    """The line that begins a group of the log, which is about the result at `place`; "" where there are none."""
    match runner_of(environment):
        case Runner.GITHUB:
            return f"::group::{harmless.line(title)}"
        case Runner.AZURE:
            return f"##[group]{harmless.line(title)}"
        case Runner.GITLAB:
            return f"{_section('start', place)}{harmless.line(title)}"
        case Runner.NONE:
            return ""


def closed(environment: Mapping[str, str], place: Path) -> list[str]:
    """The lines that end it, and show what lies there as a summary."""
    match runner_of(environment):
        case Runner.GITHUB:
            return ["::endgroup::"]
        case Runner.AZURE:
            return ["##[endgroup]", *shown(environment, Path(f"{place}.md"))]
        case Runner.GITLAB:
            return [_section("end", place)]
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
        case Runner.GITLAB | Runner.NONE:
            return ""


def _section(what: str, place: Path) -> str:
    """https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections"""
    return f"\x1b[0Ksection_{what}:{int(time.time())}:{place.name}\r\x1b[0K"


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
