"""Writing down what is decided: who listens to the runner, and what a person's command leaves (`--audit FILE`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rollout.cli import options
from rollout.cli.context import run_url
from rollout.core.actions import Action
from rollout.core.audit import Digests, Record
from rollout.core.audit_inputs import kept, told_actions, without_secrets
from rollout.core.change_set import change_set
from rollout.core.decision import Status
from rollout.core.digests import plan_digest
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.core.revision import digest
from rollout.core.stamp import ACTOR
from rollout.errors import RolloutError
from rollout.runner import Event, Finished, Listener, Looked

if TYPE_CHECKING:
    from rollout.cli.carry_out import Asked
    from rollout.ports import Ledger

_KEY: Final = 32


def ledger(endpoint: str) -> Ledger | None:
    """Where this command writes down what it decides about that endpoint (ARM id); None: nowhere. In a database each
    endpoint has a chain of its own, in a file all are in one."""
    place = options.audit_place()
    if not place:
        return None
    if "://" in place:
        from rollout.cli.queue_options import opened_history

        history = opened_history(place)
        return history.ledger(endpoint.lower()) if history is not None else None
    from rollout.cli.audit_file import FileLedger

    return FileLedger(Path(place))


def recording(inner: Listener, release: Release, allowed: frozenset[str], endpoint: str) -> Listener:
    """`inner`, behind a recorder where the command has an audit."""
    book = ledger(endpoint)
    return inner if book is None else Recorder(book, release, allowed, endpoint, inner)


class Recorder:
    """Hears of each decision before it is carried out, and how that ended.

    A decision that says the same as the one before (the time of a bake goes on) is written down once.
    """

    def __init__(
        self, book: Ledger, release: Release, allowed: frozenset[str], endpoint: str, inner: Listener = lambda _: None
    ) -> None:
        self._book = book
        self._release = release
        self._allowed = allowed
        self._endpoint = endpoint
        self._inner = inner
        self._said: Any = None
        self._about: int | None = None

    def __call__(self, event: Event) -> None:
        """Write it down, then pass it on. Raises Refused where it cannot be written: then nothing is done."""
        if isinstance(event, Looked):
            said = _gist(event)
            if event.decision.status is Status.ACT or said != self._said:
                self._about = self._book.append(self._decided(event)).sequence
            self._said = said
        elif isinstance(event, Finished):
            outcome = f"{_name(event.action)}: {event.error or 'done'}"
            self._book.append(
                _signed(self._release, self._endpoint, kind="outcome", about=self._about, outcome=outcome)
            )
        self._inner(event)

    def _decided(self, event: Looked) -> Record:
        seen, release = event.observation, self._release
        found = kept(release, seen, event.verdicts, self._allowed, event.decision, key=secrets.token_bytes(_KEY))
        return _signed(
            release,
            self._endpoint,
            kind="decision",
            time=seen.now,
            digests=_digests(release, seen, self._allowed),
            inputs=found.inputs,
            decision=found.decision,
            derivable=found.derivable,
        )


@contextmanager
def commanded(wish: Asked, action: Action, seen: Observation, endpoint: str) -> Iterator[None]:
    """A person's action, written down before it is done, and how that ended behind it."""
    book = ledger(endpoint)
    if book is None:
        yield
        return
    said = without_secrets({"actions": told_actions((action,))}, key=secrets.token_bytes(_KEY))
    who: dict[str, Any] = {
        "plan": wish.release.name if wish.release else "",
        "actor": wish.who,
        "run": run_url(),
        "endpoint": endpoint,
        "time": seen.now,
    }
    entry = book.append(Record(kind="command", decision=said, note=action.reason, **who))
    outcome = "not finished"
    try:
        yield
        outcome = "done"
    except RolloutError as error:
        outcome = str(error)
        raise
    finally:
        book.append(Record(kind="outcome", about=entry.sequence, outcome=f"{_name(action)}: {outcome}", **who))


def _gist(event: Looked) -> Any:
    """What makes a decision another one than the one before."""
    decision = event.decision
    outcomes = sorted((key, verdict.outcome) for key, verdict in event.verdicts.items())
    states = [view.state for view in decision.stages]
    return decision.status, decision.phase, states, outcomes, decision.measure_key


def _digests(release: Release, seen: Observation, allowed: frozenset[str]) -> Digests:
    policy = release.policy
    return Digests(
        goal=release.goal,
        change_set=change_set(release, seen, allowed).digest,
        plan=plan_digest(release),
        policy="" if policy is None else digest("policy", msgspec.to_builtins(policy.essence)),
    )


def _signed(release: Release, endpoint: str, **said: Any) -> Record:
    """A record with all that the plan says of who, what and where."""
    told = release.provenance
    return Record(
        plan=release.name,
        commit=release.commit,
        actor=told.get(ACTOR, ""),
        run=told.get("run", ""),
        endpoint=endpoint,
        **said,
    )


def _name(action: Action) -> str:
    """The action's kind, as it is recorded."""
    return str(action.__struct_config__.tag)
