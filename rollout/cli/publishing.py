"""What the commands of `rollout publish` share: which documents, which repository, which token."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from rollout.errors import RolloutError, UsageError
from rollout.forge.sticky import Done
from rollout.forge.surroundings import Job, job_of, token
from rollout.plan.load import is_fleet
from rollout.render import harmless
from rollout.render.document import Document, Failure, Fleet, Pass, Reconciliation
from rollout.render.saved import decode

_FLEET: Final = "fleet "
"""Before the name of a fleet, so that it is not taken for a plan of the same name."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """The options of all of them."""

    documents: tuple[Path, ...]
    repository: str
    environment: str
    run_url: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """One plan, or fleet, to tell about: its document, or why there is none. `part_of`: the file of the fleet that the
    plan is a member of, which tells about it."""

    name: str
    file: str
    document: Document | None = None
    failure: Failure | None = None
    fleet: Fleet | None = None
    part_of: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known before the forge is asked."""

    documents: tuple[About, ...]
    environment: str
    run_url: str
    job: Job
    token: str

    @property
    def each(self) -> tuple[About, ...]:
        """The plans and fleets that are told about by themselves: a fleet tells about its members."""
        return tuple(one for one in self.documents if not one.part_of)


def asked(shared: Shared) -> Asked:
    """From the options and the environment. Raises UsageError, and SignInError without a token."""
    job = job_of(os.environ, _event(), shared.repository)
    return Asked(
        documents=about(shared.documents),
        environment=shared.environment,
        run_url=shared.run_url or job.run_url,
        job=job,
        token=token(os.environ),
    )


def about(paths: Sequence[Path]) -> tuple[About, ...]:
    """The plans that the files (and the files of folders) tell about; the last word about a plan counts."""
    return tuple({one.file or one.name: one for _, one in read_documents(paths)}.values())


def read_documents(paths: Sequence[Path]) -> Iterator[tuple[Path, About]]:
    """Each plan that a file tells about, with that file."""
    for path in _files(paths):
        for one in _read(path):
            yield path, one


def told(done: Sequence[Done]) -> None:
    """Say on stdout what was done."""
    for one in done:
        click.echo(harmless.line(f"{one.deed.value} {one.what}" + (f" ({one.url})" if one.url else "")))


def footer(wish: Asked) -> str:
    """Where it comes from, in Markdown; the addresses are the forge's own."""
    if not wish.run_url:
        return ""
    return f"\n\n<sub>[Log of the run]({harmless.line(wish.run_url, 500).replace(')', '%29')})</sub>"


def _event() -> Any:
    path = os.environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH is not a readable event: {path}") from error
    return event if isinstance(event, dict) else {}


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.json")) if path.is_dir() else [path]


def _read(path: Path) -> Iterator[About]:
    try:
        document = decode(path.read_bytes(), str(path))
    except OSError as error:
        raise RolloutError(f"cannot read {path}: {error.strerror}") from error
    match document:
        case Document(plan=name, file=file):
            yield About(name=name, file=file, document=document)
        case Failure(file=file) if file.endswith(".json"):
            # The apply of a change set: it is about the plan that the change set is about.
            yield from (
                msgspec.structs.replace(one, document=None, fleet=None, failure=document) for one in _saved(Path(file))
            )
        case Fleet():
            yield _of_fleet(document)
            for wave in document.waves:
                for member in wave.members:
                    if member.change_set is not None:
                        file = f"{document.file} {wave.name}/{member.name}"
                        yield _of_member(member.change_set, file, document.file)
        case Failure(file=file) if file:
            yield About(name=_named(file), file=file, failure=document)
        case Reconciliation(plans=plans):
            yield from map(_of_pass, plans)
        case _:
            return


def _saved(path: Path) -> Iterator[About]:
    """What a change set is about; nothing where it is gone, or no change set."""
    with contextlib.suppress(RolloutError):
        yield from (one for one in _read(path) if one.failure is None and not one.part_of)


def _of_pass(found: Pass) -> About:
    if found.fleet is not None:
        return _of_fleet(found.fleet)
    if found.change_set is not None and found.part_of:
        return _of_member(found.change_set, found.file, found.part_of)
    if found.change_set is not None:
        return About(name=found.change_set.plan, file=found.file, document=found.change_set)
    failure = Failure(command="reconcile", file=found.file, exit_code=found.exit_code, message=found.reason)
    return About(name=_named(found.file), file=found.file, failure=failure, part_of=found.part_of)


def _of_fleet(found: Fleet) -> About:
    return About(name=f"{_FLEET}{found.fleet}", file=found.file, fleet=found)


def _of_member(found: Document, file: str, fleet: str) -> About:
    """Whoever acts on it gives the fleet's file, not that of its plan."""
    return About(name=found.plan, file=file, document=msgspec.structs.replace(found, file=fleet), part_of=fleet)


def _named(file: str) -> str:
    """A plan, or fleet, whose own name nobody could read: its file's, as the last document about it would have it."""
    name = Path(file).name.removesuffix(".yml").removesuffix(".yaml")
    fleet = _FLEET if is_fleet(Path(file)) else ""
    return fleet + (name.removesuffix(".rollout").removesuffix(".fleet")[:90] or "plan")
