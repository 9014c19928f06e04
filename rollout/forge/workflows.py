"""The files that a repository on GitHub needs: the action, and the workflows for pull requests, merges and schedules.

Actions of others are pinned by commit: a tag can be moved. The commits are those of the tags that stand behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec

PINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CHECKOUT": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "UPLOAD": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
        "DOWNLOAD": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    }
)
LOCAL_ACTION: Final = "./.github/actions/rollout"
CRON: Final = "*/10 * * * *"
_IGNORE: Final = " # zizmor: ignore[self-repository] `$/` is not known on GitHub Enterprise Server"
_WORKFLOWS: Final = ("pull-request", "apply", "reconcile")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the files are to say. `action`: what `uses:` names; the local action unless it is another's."""

    plans: str = "plans"
    branch: str = "main"
    environment: str = "production"
    overlay: str = ""
    requirement: str = "azureml-rollout"
    action: str = LOCAL_ACTION


def github_files(wanted: Wanted) -> dict[str, str]:
    """Path and text of each file."""
    told = {f".github/workflows/rollout-{name}.yml": _workflow(name, wanted) for name in _WORKFLOWS}
    if wanted.action == LOCAL_ACTION:
        told[".github/actions/rollout/action.yml"] = action(wanted.requirement, "a release of rollout")
    return told


def action(install: str = "", text: str = "the action's own folder") -> str:
    """The composite action; by default it installs what lies beside it."""
    return filled("github", "action", {"INSTALL_DEFAULT": install, "INSTALL_TEXT": text})


def _workflow(name: str, wanted: Wanted) -> str:
    values = {
        "PLANS": wanted.plans,
        "BRANCH": wanted.branch,
        "ENVIRONMENT": wanted.environment,
        "OVERLAY": wanted.overlay or '""',
        "ACTION": wanted.action + (_IGNORE if wanted.action == LOCAL_ACTION else ""),
        "CRON": CRON,
    }
    return filled("github", name, {**values, **PINS})


def filled(forge: str, name: str, values: Mapping[str, str]) -> str:
    """A template of a forge, `@NAME@` replaced by its value."""
    text = (files("rollout.forge") / "templates" / forge / f"{name}.yml").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
