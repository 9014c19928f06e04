"""What a simulation is told: how each role answers, how much traffic there is, and what happens meanwhile. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import click
import msgspec

MEDIAN_MS: Final = 40.0
"""How long half of the requests take at most, where nobody says otherwise; 95 % take three times as long at most."""
_SLOWEST: Final = 3.0
ROLES: Final = ("stable", "candidate")
_SHARE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_TIME: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(x|ms)")


class Each(msgspec.Struct, frozen=True, gc=False):
    """One number for each role."""

    stable: float
    candidate: float


class Failing(msgspec.Struct, frozen=True, gc=False):
    """An outage of both roles: from and to are seconds after the release began; at least that share fails."""

    start: float
    end: float
    share: float = 0.3


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation. Shares from 0 to 1, `latency` are medians in milliseconds, `every` is seconds between two looks."""

    errors: Each = Each(0.0, 0.0)
    latency: Each = Each(MEDIAN_MS, MEDIAN_MS)
    per_minute: float = 600.0
    burst: float = 0.0
    outages: tuple[Failing, ...] = ()
    seed: int = 0
    every: float = 60.0
    scoring: bool = False

    def traffic(self, endpoint: str, roles: dict[str, str], begun: datetime) -> dict[str, Any]:
        """What the emulator is asked for; `roles` are the deployments' names by role."""
        return {
            "endpoint": endpoint,
            "requests_per_minute": self.per_minute,
            "seed": self.seed,
            "deployments": {name: self._behaviour(role) for role, name in roles.items()},
            "outages": [_outage(one, begun) for one in self.outages],
        }

    def _behaviour(self, role: str) -> dict[str, float]:
        median: float = getattr(self.latency, role)
        return {
            "error_share": getattr(self.errors, role),
            "error_correlation": self.burst,
            "p50_ms": median,
            "p95_ms": _SLOWEST * median,
        }


def _outage(one: Failing, begun: datetime) -> dict[str, Any]:
    start, end = (begun + timedelta(seconds=seconds) for seconds in (one.start, one.end))
    return {"start": start.isoformat(), "end": end.isoformat(), "error_share": one.share}


class Shares(click.ParamType[Each]):
    """`3%` of both roles, or `stable=0.5%,candidate=3%`."""

    name = "shares"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Each:
        """Percentages from 0 to 100."""
        said = _by_role(str(value))
        found = {role: _SHARE.fullmatch(text) for role, text in said.items()}
        if not said or not all(match and float(match[1]) <= 100 for match in found.values()):
            self.fail(f"{value!r} is no share of errors; such as 3%, or stable=0.5%,candidate=3%", param, ctx)
        shares = {role: float(match[1]) / 100 for role, match in found.items() if match}
        return Each(shares.get("stable", 0.0), shares.get("candidate", 0.0))


class Medians(click.ParamType[Each]):
    """`80ms` of both roles, or `stable=50ms,candidate=3x`: so many times as slow as stable."""

    name = "latencies"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Each:
        """Milliseconds, greater than 0."""
        said = _by_role(str(value))
        found = {role: _TIME.fullmatch(text) for role, text in said.items()}
        if not said or not all(match and float(match[1]) > 0 for match in found.values()):
            self.fail(f"{value!r} is no latency; such as 80ms, or stable=50ms,candidate=3x", param, ctx)
        times = {role: (float(match[1]), match[2]) for role, match in found.items() if match}
        stable = _median(times.get("stable", (1.0, "x")), MEDIAN_MS)
        return Each(stable, _median(times.get("candidate", (1.0, "x")), stable))


class Outages(click.ParamType[Failing]):
    """`20m..30m`, or `20m..30m=50%`."""

    name = "outage"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Failing:
        """Two durations as in a plan, the second one later."""
        from rollout.plan.durations import parse_duration

        span, _, share = str(value).partition("=")
        start, _, end = span.partition("..")
        match = _SHARE.fullmatch(share or "30%")
        try:
            found = Failing(parse_duration(start), parse_duration(end), float(match[1]) / 100 if match else -1)
        except ValueError:
            found = Failing(0, 0)
        if not (found.start < found.end and 0 < found.share <= 1):
            self.fail(f"{value!r} is no outage; such as 20m..30m, or 20m..30m=50%", param, ctx)
        return found


def _by_role(text: str) -> dict[str, str]:
    """`3%` stands for both roles; nothing where a role is not one."""
    if "=" not in text:
        return dict.fromkeys(ROLES, text.strip())
    parts = [part.partition("=") for part in text.split(",")]
    found = {role.strip(): value.strip() for role, _, value in parts}
    return found if set(found) <= set(ROLES) and len(found) == len(parts) else {}


def _median(said: tuple[float, str], base: float) -> float:
    number, unit = said
    return number if unit == "ms" else number * base
