"""Two reconcilers, a person's command and a hand in the portal: in every order of their requests.

Assumption A1: the service refuses a write while another one is under way. With it, and with clients that send their
write within an operation's time of their last read ("prompt"), nothing is ever overwritten unseen. A client that stalls
there sends nothing (`rollout/azure/sending.py`). What happens where one stalls after its last glance at the clock, as
the request leaves, for longer than an operation takes, is counted, not denied: docs/locking.md.
"""

from __future__ import annotations

import functools

import msgspec
import pytest

from tests.protocol.actors import Hand, Writer, start
from tests.protocol.world import Rules, Seen, State, explore
from tests.reliability.figures import keep, whole

BACK, BACK_UNTAGGED = Hand(weights={"blue": 100}, keeps_tags=True), Hand(weights={"blue": 100}, keeps_tags=False)
GOES_ON = 2 if whole() else 1


def _reconcilers(count: int) -> tuple[Writer, ...]:
    return tuple(Writer(name=f"reconciler {number}", goes_on=GOES_ON) for number in range(1, count + 1))


def _person(intent: str) -> Writer:
    return Writer(name="a person", intent=intent, goes_on=1)


PROTOCOLS = {
    "prompt, no lease": Rules(),
    "prompt, at once, no lease": Rules(at_once=True),
    "stalling, no lease": Rules(prompt=False, punctual=True),
    "stalling, at once, no lease": Rules(prompt=False, punctual=True, at_once=True),
    "stalling as it sends, no lease": Rules(prompt=False),
    "prompt, A1 broken": Rules(refuses=False),
    "stalling as it sends, lease": Rules(prompt=False, lease=True),
    "stalling as it sends, lease lost": Rules(prompt=False, lease=True, steal=True),
}
SAFE = [name for name, rules in PROTOCOLS.items() if rules.refuses and (rules.prompt or rules.punctual)]
WORLDS: dict[str, State] = {
    "two reconcilers": State(plane=start(), writers=_reconcilers(2)),
    "two reconcilers and a hand that keeps the tags": State(plane=start(), writers=_reconcilers(2), hands=(BACK,)),
    "two reconcilers and an old client that drops them": State(
        plane=start(), writers=_reconcilers(2), hands=(BACK_UNTAGGED,)
    ),
    "two reconcilers and `hold`": State(plane=start(), writers=(*_reconcilers(2), _person("hold"))),
    "two reconcilers and `rollback`": State(plane=start(), writers=(*_reconcilers(2), _person("rollback"))),
}


@functools.cache
def _explored(name: str, protocol: str) -> Seen:
    """What the exploration of that world finds under that protocol; kept for the page in the long form."""
    with pytest.MonkeyPatch.context() as patch:
        if not PROTOCOLS[protocol].refuses:
            patch.setattr("rollout.emulator.operations.refuse_if_busy", lambda world, held, deployment: None)
        seen = explore(WORLDS[name], PROTOCOLS[protocol])
    keep(f"interleavings-{protocol}-{name}", {"world": name, "protocol": protocol, **msgspec.to_builtins(seen)})
    return seen


@pytest.mark.parametrize("protocol", SAFE)
@pytest.mark.parametrize("name", WORLDS)
def test_nothing_is_lost(name: str, protocol: str) -> None:
    """Without any lock: every write was decided on the world that it changes, whatever the order and whoever stalls."""
    seen = _explored(name, protocol)
    assert not seen.lost
    assert seen.states > 20


@pytest.mark.parametrize("protocol", SAFE)
@pytest.mark.parametrize("intent", ["hold", "rollback"])
def test_an_intent_stands(intent: str, protocol: str) -> None:
    """A person's word is the last one, wherever it falls between the requests of two reconcilers."""
    seen = _explored(f"two reconcilers and `{intent}`", protocol)
    assert all(end.startswith("hold") or end.endswith("refused") for end in seen.ends), seen.ends


@pytest.mark.parametrize("name", [name for name in WORLDS if whole() or "rollback" not in name])
def test_whoever_stalls_as_it_sends_may_overwrite(name: str) -> None:
    """A request that leaves late all the same can lose another's write; every end is lawful still."""
    seen = _explored(name, "stalling as it sends, no lease")
    assert seen.lost, "the exploration would not see what it is there to see"


@pytest.mark.parametrize("name", list(WORLDS)[:3])
def test_a_service_that_refuses_nothing(name: str) -> None:
    """Where assumption A1 does not hold, writes overwrite others that are under way, and a delete can meet a write that
    gives its deployment traffic: nothing but the service itself can exclude that."""
    assert _explored(name, "prompt, A1 broken").lost


def test_a_lease_keeps_reconcilers_apart() -> None:
    """With the lease held, even a stalling reconciler overwrites nothing of another reconciler."""
    assert not _explored("two reconcilers", "stalling as it sends, lease").lost


def test_a_lease_that_runs_out_is_no_fence() -> None:
    """A holder that stalls for longer than its lease lives writes after the next one: no lease excludes that."""
    assert _explored("two reconcilers", "stalling as it sends, lease lost").lost
