"""The outputs of a job's step: those of the one result, or what many have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rollout.errors import RolloutError
from rollout.render.document import AnyDocument, Document, Failure, Reconciliation, decode
from rollout.render.github_output import KEYS, entry, outputs


def write_outputs(folder: Path, code: int, environment: Mapping[str, str]) -> None:
    """Append to $GITHUB_OUTPUT, where there is one."""
    file = environment.get("GITHUB_OUTPUT", "")
    if not file:
        return
    found = [decode(path.read_bytes(), str(path)) for path in sorted(folder.glob("*.json"))]
    text = outputs(found[0]) if len(found) == 1 else _of_many(found)
    # GitHub takes the last value of a key.
    text += entry("exit-code", str(code)) + entry("documents", str(folder)) + entry("plans", str(_count(found)))
    try:
        with Path(file).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise RolloutError(f"cannot write {file}: {error.strerror}") from error


def _count(documents: Sequence[AnyDocument]) -> int:
    return sum(len(found.plans) if isinstance(found, Reconciliation) else 1 for found in documents)


def _of_many(documents: Sequence[AnyDocument]) -> str:
    """The keys that are true of all together; the others are empty."""
    told = dict(_facts(documents))
    return "".join(entry(key, told.get(key, "")) for key in KEYS)


def _facts(documents: Sequence[AnyDocument]) -> Iterator[tuple[str, str]]:
    plans = [found for found in documents if isinstance(found, Document)]
    failed = sum(isinstance(found, Failure) for found in documents)
    moments = [found.decision.next_after for found in plans if found.decision.next_after]
    changing = sum(bool(found.actions) for found in plans)
    yield "status", "error" if failed else "act" if changing else "done"
    yield "headline", f"{len(documents)} plans: {changing} with changes, {failed} failed"
    yield "has-changes", _flag(changing > 0)
    yield "has-drift", _flag(any(found.drift for found in plans))
    yield "hazards", ",".join(sorted({hazard.name for found in plans for hazard in found.hazards}))
    yield "next-after", min(moments).isoformat() if moments else ""
    yield "complete", _flag(all(found.complete for found in plans))


def _flag(value: bool) -> str:
    return "true" if value else "false"
