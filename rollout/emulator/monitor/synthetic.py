"""Traffic that is made up: what an endpoint would have served in a minute, by its live weights. Pure.

    minute_of(Traffic(endpoint="house", requests_per_minute=600), start, Weights({"blue": 90, "green": 10}))

The same seed, minute and weights always give the same requests, in any process; another minute gives others. Arrivals
are a Poisson process, each request chooses its deployment by weight as the service's front end does, latencies are
lognormal.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from rollout.emulator.monitor.records import Scored

NINETY_FIFTH: Final = 1.6448536269514722
"""The standard normal distribution's 95th percentile."""
MOST_A_MINUTE: Final = 60_000
NO_WEIGHTS: Final[Mapping[str, int]] = MappingProxyType({})


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one deployment answers.

    `error_share` of its requests (0 to 1) end with `error_status`: 424 with the model's `error_model_status`, or what
    the front end would say by itself (408, 429, 5xx). With an `error_correlation` (0 to 1) they come in bursts: the
    share of each minute is itself drawn, from the beta distribution whose requests have that correlation. Latencies
    are milliseconds: half of them within `p50_ms`, 95 % within `p95_ms`.
    """

    error_share: float = 0.0
    error_correlation: float = 0.0
    error_status: int = 424
    error_model_status: int = 500
    p50_ms: float = 40.0
    p95_ms: float = 120.0

    def __post_init__(self) -> None:
        if not 0 <= self.error_share <= 1:
            raise ValueError("error_share must be from 0 to 1")
        if not 0 <= self.error_correlation < 1:
            raise ValueError("error_correlation must be from 0 to less than 1")
        if not 400 <= self.error_status <= 599:
            raise ValueError("error_status must be from 400 to 599")
        if not 0 < self.p50_ms <= self.p95_ms:
            raise ValueError("p50_ms must be more than 0 and at most p95_ms")


class Outage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From minute to minute at least that share of all requests fails, whoever answers."""

    start: datetime
    end: datetime
    error_share: float = 0.3


class Traffic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The load on an endpoint: how much of it, and how its deployments (lower-case names) answer."""

    endpoint: str
    requests_per_minute: float
    deployments: dict[str, Behaviour] = {}
    otherwise: Behaviour = Behaviour()
    seed: int = 0
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.requests_per_minute <= MOST_A_MINUTE:
            raise ValueError(f"requests_per_minute must be from 0 to {MOST_A_MINUTE}")

    def of(self, deployment: str) -> Behaviour:
        """How that deployment answers."""
        return self.deployments.get(deployment, self.otherwise)

    def share_of(self, deployment: str, minute: datetime) -> float:
        """The share of its requests that fail in that minute."""
        behaviour = self.of(deployment)
        share, correlation = behaviour.error_share, behaviour.error_correlation
        if correlation and 0 < share < 1:
            dice = random.Random(f"{self.seed}:{self.endpoint}:{deployment}:{minute.isoformat()}")  # noqa: S311
            strength = (1 - correlation) / correlation
            share = dice.betavariate(share * strength, (1 - share) * strength)
        return max((share, *(one.error_share for one in self.outages if one.start <= minute < one.end)))


class Weights(msgspec.Struct, frozen=True):
    """Live and mirrored weights by lower-case name, in percent."""

    live: Mapping[str, int] = NO_WEIGHTS
    mirror: Mapping[str, int] = NO_WEIGHTS


def minute_of(traffic: Traffic, start: datetime, weights: Weights) -> tuple[Scored, ...]:
    """All requests of the minute that begins at `start`, in order; mirrored copies follow their originals."""
    dice = random.Random(f"{traffic.seed}:{traffic.endpoint}:{start.isoformat()}")  # noqa: S311 - keeps no secret
    rate = traffic.requests_per_minute / 60
    shares = {name: traffic.share_of(name, start) for name in ("", *weights.live, *weights.mirror)}
    lines: list[Scored] = []
    at = dice.expovariate(rate) if rate else math.inf
    while at < 60:
        moment = start + timedelta(seconds=at)
        chosen = _chosen(weights.live, dice.random() * 100)
        lines.append(_answered(traffic, moment, chosen, shares[chosen], dice, mirrored=False))
        if target := _chosen(weights.mirror, dice.random() * 100):
            lines.append(_answered(traffic, moment, target, shares[target], dice, mirrored=True))
        at += dice.expovariate(rate)
    return tuple(lines)


def _chosen(weights: Mapping[str, int], throw: float) -> str:
    """Whom a throw from 0 to 100 falls on; "" beyond the weights' sum."""
    for name in sorted(weights):
        throw -= weights[name]
        if throw < 0:
            return name
    return ""


def _answered(
    traffic: Traffic, at: datetime, deployment: str, share: float, dice: random.Random, *, mirrored: bool
) -> Scored:
    behaviour = traffic.of(deployment)
    spread = math.log(behaviour.p95_ms / behaviour.p50_ms) / NINETY_FIFTH
    took = behaviour.p50_ms * math.exp(spread * dice.gauss())
    failed = dice.random() < share
    status, model, reason = _ending(behaviour, deployment, failed=failed)
    return Scored(
        at=at,
        endpoint=traffic.endpoint,
        deployment=deployment,
        status=status,
        duration_ms=round(took, 3),
        model_status=model,
        reason=reason,
        mirrored=mirrored,
        request_id=f"{dice.getrandbits(128):032x}",
        user_agent="rollout-emulator/synthetic",
    )


def _ending(behaviour: Behaviour, deployment: str, *, failed: bool) -> tuple[int, str, str]:
    """Status, the model's status and its reason. Nobody to route to is 404, as in the service."""
    if not deployment:
        return 404, "", ""
    if not failed:
        return 200, "200", ""
    if behaviour.error_status == 424:
        return 424, str(behaviour.error_model_status), "model_error"
    return behaviour.error_status, "", ""
