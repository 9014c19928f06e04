"""The files of a repository to begin with: a plan and what it names, configuration, hooks, the schema for editors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import msgspec

from rollout.errors import RolloutError, UsageError
from rollout.plan.schema import plan_schema_text, policy_schema_text

_DOTTED: Final[Mapping[str, str]] = {
    "gitignore": ".gitignore",
    "pre-commit-config.yaml": ".pre-commit-config.yaml",
}
"""Names of templates that would mean something in our own repository."""
_TARGET: Final = """\
defaults:
  target:
    subscription_id: {subscription_id}
    resource_group: {resource_group}
    workspace: {workspace}"""
_NO_TARGET: Final = """\
# defaults:
#   target:
#     subscription_id: 00000000-0000-0000-0000-000000000000
#     resource_group: ml
#     workspace: prod"""
SCHEMA: Final = "schemas/rollout-plan.schema.json"
POLICY_SCHEMA: Final = "schemas/policy.schema.json"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The workspace that the plans are for."""

    subscription_id: str
    resource_group: str
    workspace: str


def name_for(folder: Path) -> str:
    """An endpoint's name after a folder's: 3 to 32 letters, digits and dashes, beginning with a letter."""
    words = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    words = re.sub(r"^[^a-z]+", "", words)[:32].rstrip("-")
    return words if len(words) >= 3 else "my-model"


def repository_files(name: str, requirement: str, place: Place | None) -> dict[str, str]:
    """Path and text of each file of a new repository."""
    values = {
        "NAME": name,
        "REQUIREMENT": requirement,
        "TARGET": _TARGET.format(**msgspec.structs.asdict(place)) if place else _NO_TARGET,
    }
    root = files("rollout.cli") / "templates" / "repository"
    # A template that is Python ends with `_`, so that nobody takes it for a module of ours.
    found = {path.replace("NAME", name).rstrip("_"): _filled(text, values) for path, text in _texts(root, "")}
    schemas = {SCHEMA: plan_schema_text(), POLICY_SCHEMA: policy_schema_text()}
    return {**{_DOTTED.get(path, path): text for path, text in found.items()}, **schemas}


def sample_files(folder: Path, sample: str) -> dict[str, bytes]:
    """A sample plan with all that lies in the folder of its name. Raises UsageError if there is none of that name."""
    plan = folder / f"{sample}.rollout.yml"
    if not plan.is_file():
        there = sorted(path.name.removesuffix(".rollout.yml") for path in folder.glob("*.rollout.yml"))
        raise UsageError(f"there is no sample {sample}", hint=f"there are {', '.join(there)}")
    beside = (folder / sample).rglob("*")
    paths = [plan, *(path for path in beside if path.is_file() and "__pycache__" not in path.parts)]
    return {f"plans/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in sorted(paths)}


def written(folder: Path, wanted: Mapping[str, str | bytes]) -> Iterator[tuple[str, bool]]:
    """Write what is not there yet; tells for each path whether it was written. Nothing is ever overwritten."""
    for name, text in wanted.items():
        path = folder / name
        data = text.encode("utf-8") if isinstance(text, str) else text
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            yield name, False
        except OSError as error:
            raise RolloutError(f"cannot write {path}: {error.strerror}") from error
        else:
            yield name, True


def _texts(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        if entry.is_dir():
            yield from _texts(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_text(encoding="utf-8")


def _filled(text: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
