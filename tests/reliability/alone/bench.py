"""A life in one process: the bench of the lives, with a service in this process and time that passes at once."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from rollout.azure import target
from rollout.core.progress import Progress, from_tags
from rollout.core.stamp import REVISION_TAG
from tests.e2e.harness import Desk
from tests.reliability.alone.emulated import Alone, found
from tests.reliability.alone.instant import Instant, timeless
from tests.reliability.alone.network import connected
from tests.reliability.lives import TRIES, Bench, Life

SELDOM_LOOKS: Final = 1800.0
"""Seconds between two looks of a job that waits: half an hour, so that a bake is a few requests and not hundreds."""
LATER: Final = 3700.0
"""Seconds until the next job: longer than anything that is waited for without one."""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{40,}|\?.*$")


@dataclass(frozen=True, slots=True)
class AloneBench(Bench):
    """A checkout, the emulator of this process, and its time."""

    emulator: Alone
    instant: Instant

    def until_ended(self, life: Life) -> str:
        """See `Bench`; the jobs start an hour after each other."""
        for _ in range(TRIES):
            code, told = self.apply(life)
            if code in (0, 10) and self.emulator.standing(life.endpoint) == life.end:
                return ""
            self.instant.sleep(LATER)
        return f"exit {code}, {self.emulator.standing(life.endpoint)}\n{told}"

    def exists(self, path: str) -> bool:
        """Whether that endpoint or deployment is there."""
        _, _, rest = path.lower().partition("/onlineendpoints/")
        name, _, deployment = rest.partition("/deployments/")
        held = self.emulator.service.rules.world.endpoints.get(name)
        return held is not None and (not deployment or deployment in held.deployments)

    def print(self) -> object:
        """The world without its times: equal prints, equal future."""
        world = self.emulator.service.rules.world
        flying = sorted((one.kind.value, one.endpoint, one.deployment or "") for one in world.in_flight.values())
        held = [(name, _endpoint(one.doc), _deployments(one)) for name, one in sorted(world.endpoints.items())]
        return repr((flying, held, len(list(self.emulator.state_dir.rglob("*.blob")))))


def _endpoint(doc: Any) -> object:
    inner, record = doc["properties"], from_tags(doc["tags"])
    told = _timeless(record) if isinstance(record, Progress) else record
    return inner["provisioningState"], inner["traffic"], inner["mirrorTraffic"], told


def _timeless(record: Progress) -> object:
    run, promoted, former = record.run, record.promoted, record.former
    return (
        run and (run.goal, run.slot, run.total, run.ended, run.exposed is not None),
        promoted and (promoted.name, promoted.revision, promoted.count),
        former and (former.name, former.revision),
        (record.passed, record.written, record.outcome, record.untaken, record.since is not None),
        [(one.goal, one.key, one.slot) for one in record.quarantine],
        record.hold and record.hold.kind,
    )


def _deployments(held: Any) -> object:
    docs = [(name, one.doc) for name, one in sorted(held.deployments.items())]
    return [
        (name, doc["properties"]["provisioningState"], doc["sku"]["capacity"], doc["tags"].get(REVISION_TAG))
        for name, doc in docs
    ]


def line(sent: str) -> str:
    """A request without what differs from run to run: ids, queries."""
    return _ID.sub("*", sent)


@contextmanager
def alone(life: Life, folder: Path) -> Iterator[AloneBench]:
    """A world of its own for that life, up to where its last release starts."""
    with timeless() as instant, pytest.MonkeyPatch.context() as patch:
        emulator = Alone(folder / "emulator")
        (folder / "emulator").mkdir()
        emulator.begin(instant)
        patch.setattr("rollout.runner.LOOK_EVERY", SELDOM_LOOKS)
        patch.setattr(target, "tls_context", _no_tls)
        with connected(emulator.network, instant.sleep), found(emulator):
            bench = AloneBench(Desk.laid(folder / "desk", emulator), emulator, instant)
            bench.prepare(life)
            yield bench


@cache
def _no_tls(ca_bundle: str | None) -> ssl.SSLContext:
    """There are no sockets, and reading all authorities takes as long as ten requests."""
    return ssl.create_default_context(cadata=None)
