"""All that was compared → the verdict: which share differs, the worst rows, the latencies side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, Final

import msgspec

from rollout.core.gate_bodies import Compare
from rollout.core.verdict import Outcome, Verdict
from rollout.gates.answer_pairs import Compared, Row, Sides, Unusable
from rollout.gates.distances import jensen_shannon, kolmogorov_smirnov, stability_index

_TOLD: Final = 3
"""Rows in the reason."""
RECORDED: Final = 10
"""Rows in the evidence."""


class Asked(msgspec.Struct, frozen=True):
    """The `index`-th request of the gate, what it showed, and in how many seconds stable and the candidate answered."""

    index: int
    found: Compared | Unusable
    seconds: tuple[float, float]


class _Bad(msgspec.Struct, frozen=True):
    """A row that differs: its number among all rows, and its request."""

    number: int
    request: str
    row: Row


def summed_up(test: Compare, sides: Sides, asked: Sequence[Asked]) -> Verdict:
    """What stable did not answer comes first: then nothing is said about the candidate."""
    inorder = sorted(asked, key=lambda one: one.index)
    for one in inorder:
        if isinstance(one.found, Unusable):
            reason = f"{test.requests[one.index].name}: {one.found.reason}"
            return Verdict(outcome=one.found.outcome, reason=reason, evidence={"requests": len(asked)})
    total, bad = _counted(test, inorder)
    evidence = _evidence(test, inorder, total, bad)
    if not total:
        reason = f"{sides.stable}'s answers hold no rows, there is nothing to compare"
        return Verdict(outcome=Outcome.NO_DATA, reason=reason, evidence=evidence)
    if test.distribution is not None and evidence["distance"] is None:
        reason = "there are no numbers in the answers whose distributions could be compared"
        return Verdict(outcome=Outcome.NO_DATA, reason=reason, evidence=evidence)
    failures = list(_failures(test, sides, total, bad, evidence))
    if failures:
        return Verdict(outcome=Outcome.FAIL, reason="; ".join(failures), evidence=evidence)
    return Verdict(outcome=Outcome.PASS, reason=_passed(test, sides, total, bad, evidence), evidence=evidence)


def _counted(test: Compare, asked: Sequence[Asked]) -> tuple[int, list[_Bad]]:
    """How many rows there are, and those that differ, the worst first."""
    bad: list[_Bad] = []
    total = 0
    for one in asked:
        for row in one.found.rows if isinstance(one.found, Compared) else ():
            total += 1
            if row.apart:
                bad.append(_Bad(total, test.requests[one.index].name, row))
    return total, sorted(bad, key=lambda each: (-each.row.apart, each.number))


def _failures(
    test: Compare, sides: Sides, total: int, bad: Sequence[_Bad], evidence: Mapping[str, Any]
) -> Iterator[str]:
    if len(bad) > test.at_most * total + 1e-9:
        worst = "; ".join(_told(each, sides) for each in bad[:_TOLD])
        more = f" (and {len(bad) - _TOLD} more)" if len(bad) > _TOLD else ""
        yield f"{_share(test, total, bad)}, at most {_percent(test.at_most)} may: {worst}{more}"
    if test.distribution is not None and evidence["distance"] > test.distribution:
        distance = f"{_percent(evidence['distance'])} apart (Kolmogorov-Smirnov)"
        yield f"the distributions of the numbers are {distance}, at most {_percent(test.distribution)} may be"
    ratio = evidence["latency_ratio"]
    if test.latency_ratio is not None and ratio is not None and ratio > test.latency_ratio:
        yield (
            f"{sides.candidate} takes {ratio:.3g} times as long as {sides.stable}, at most {test.latency_ratio:g}: "
            + (_latency(sides, evidence))
        )


def _passed(test: Compare, sides: Sides, total: int, bad: Sequence[_Bad], evidence: Mapping[str, Any]) -> str:
    if bad:
        said = f"{_share(test, total, bad)}, at most {_percent(test.at_most)} may"
    else:
        said = f"{sides.candidate} answers like {sides.stable} ({total} {_unit(test, total)})"
    return f"{said}; {_latency(sides, evidence)}" if evidence["latency_ms"] else said


def _share(test: Compare, total: int, bad: Sequence[_Bad]) -> str:
    verb = "differs" if len(bad) == 1 else "differ"
    return f"{len(bad)} of {total} {_unit(test, total)} {verb} ({_percent(len(bad) / total)})"


def _unit(test: Compare, count: int) -> str:
    return test.unit + ("" if count == 1 else "s")


def _told(bad: _Bad, sides: Sides) -> str:
    within = f", row {bad.row.number} of it" if bad.row.number else ""
    at = f" at {bad.row.at}" if bad.row.at else ""
    said = f"{sides.stable} {bad.row.stable}, {sides.candidate} {bad.row.candidate}"
    return f"row {bad.number} ({bad.request}{within}){at}: {said}"


def _latency(sides: Sides, evidence: Mapping[str, Any]) -> str:
    told = evidence["latency_ms"]
    medians = f"{told['candidate']['median']} ms (median), {sides.stable} {told['stable']['median']} ms"
    return f"{sides.candidate} took {medians}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _evidence(test: Compare, asked: Sequence[Asked], total: int, bad: Sequence[_Bad]) -> dict[str, Any]:
    good = [one for one in asked if isinstance(one.found, Compared) and not one.found.failed]
    times = [sorted(one.seconds[side] for one in good) for side in (0, 1)]
    medians = [quantile(each, 0.5) for each in times]
    return {
        "requests": len(asked),
        "failed": len(asked) - len(good),
        "compared": total,
        "unit": test.unit,
        "differing": len(bad),
        "at_most": test.at_most,
        "worst": [_recorded(each) for each in bad[:RECORDED]],
        **_distances(good),
        "latency_ms": {name: _times(each) for name, each in zip(("stable", "candidate"), times, strict=True)}
        if good
        else {},
        "latency_ratio": medians[1] / medians[0] if good and medians[0] else None,
    }


def _recorded(bad: _Bad) -> dict[str, Any]:
    """A row as it is kept. JSON has no infinity: null is "not to be measured"."""
    apart = None if bad.row.apart == inf else round(bad.row.apart, 6)
    told = {"row": bad.number, "request": bad.request, "of_request": bad.row.number, "at": bad.row.at, "apart": apart}
    return {**told, "stable": bad.row.stable, "candidate": bad.row.candidate}


def _times(found: Sequence[float]) -> dict[str, float]:
    return {name: round(1000 * quantile(found, share), 1) for name, share in (("median", 0.5), ("p95", 0.95))}


def quantile(found: Sequence[float], share: float) -> float:
    """The nearest-rank quantile of sorted values; 0 of none."""
    return found[min(len(found) - 1, int(share * len(found)))] if found else 0.0


def _distances(good: Sequence[Asked]) -> dict[str, float | None]:
    """How far apart all compared numbers are; None where there are none, or nobody asks."""
    ours, theirs = (
        [number for one in good if isinstance(one.found, Compared) for number in one.found.numbers[side]]
        for side in (0, 1)
    )
    if not (ours and theirs):
        return {"distance": None, "stability_index": None, "jensen_shannon": None}
    return {
        "distance": kolmogorov_smirnov(ours, theirs),
        "stability_index": round(stability_index(ours, theirs), 6),
        "jensen_shannon": round(jensen_shannon(ours, theirs), 6),
    }
