"""What stable and the candidate answered to one request → rows that are the same or differ. Pure.

What stable did not answer, or what its answer does not hold, is never held against the candidate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import inf
from typing import Any

import msgspec

from rollout.core.gate_bodies import Compare
from rollout.core.verdict import Outcome
from rollout.gates.differing import NOTHING, differing, is_number
from rollout.gates.readiness import not_ready
from rollout.gates.words import body, cut, no_answer, value
from rollout.ports import ScoringAnswer


class Sides(msgspec.Struct, frozen=True):
    """The two deployments' names."""

    stable: str
    candidate: str


class Row(msgspec.Struct, frozen=True):
    """One thing that was compared: the `number`-th (from 1) of its request, or 0 where the answer is one. `apart` is
    how far (0: the same, infinite: not to be measured); `stable` and `candidate` are what they said, cut."""

    number: int
    apart: float = 0.0
    at: str = ""
    stable: str = ""
    candidate: str = ""


class Compared(msgspec.Struct, frozen=True):
    """One request's rows. `numbers` are those in both sides' parts; `failed`: the candidate gave no good answer."""

    rows: tuple[Row, ...]
    failed: bool = False
    numbers: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())


class Unusable(msgspec.Struct, frozen=True):
    """Nothing can be compared, and that is not the candidate's fault."""

    outcome: Outcome
    reason: str


class _NoPart(Exception):
    """The answer does not hold what is to be compared."""


def compared(test: Compare, sides: Sides, stable: ScoringAnswer, candidate: ScoringAnswer) -> Compared | Unusable:
    """Judge one request's two answers."""
    if wrong := _no_evidence(test, sides, stable, candidate):
        return wrong
    try:
        ours = _parts(test, stable.body, text=_is_text(test, stable.body))
        return _judged(test, ours, candidate, text=_is_text(test, stable.body))
    except _NoPart as error:
        return Unusable(Outcome.ERROR, f"{sides.stable}'s answer cannot be compared: {error}")
    except RecursionError:
        return Unusable(Outcome.ERROR, "the answers cannot be compared: they are nested too deeply")


def _judged(test: Compare, ours: Sequence[Any], candidate: ScoringAnswer, *, text: bool) -> Compared:
    """The candidate's answer beside the parts of stable's."""
    try:
        if failure := _failure(test, candidate):
            raise _NoPart(failure)
        theirs = _parts(test, candidate.body, text=text)
    except _NoPart as error:
        rows = (_row(test, index, inf, "", value(part), str(error)) for index, part in enumerate(ours))
        return Compared(tuple(rows), failed=True)
    return Compared(tuple(_rows(test, ours, theirs)), numbers=_numbers(test, ours, theirs))


def _no_evidence(test: Compare, sides: Sides, stable: ScoringAnswer, candidate: ScoringAnswer) -> Unusable | None:
    """Whether the way to the model, or stable, is at fault. Where stable answers, so does the way: a 5xx of the
    candidate that lasts is its own."""
    for name, answer in ((sides.stable, stable), (sides.candidate, candidate)):
        if answer.status == 429:
            return Unusable(Outcome.NO_DATA, f"{name}: too many requests (429); the deployment is busy")
        if reason := not_ready(answer):
            return Unusable(Outcome.NO_DATA, f"{name} is not ready ({reason})")
        if answer.status >= 500 and (name == sides.stable or stable.status != 200):
            return Unusable(Outcome.ERROR, f"{name}: the service answered {answer.status}: {body(answer)}")
        if answer.status == 0 and (name == sides.stable or not _late(test, answer)):
            return Unusable(Outcome.ERROR, f"{name}: the scoring host gave no answer: {no_answer(answer)}")
    if stable.status != 200:
        why = f"{sides.stable} answered {stable.status}, there is nothing to compare with: {body(stable)}"
        return Unusable(Outcome.NO_DATA, why)
    return None


def _failure(test: Compare, answer: ScoringAnswer) -> str:
    """Why the candidate's answer is none, "" if it is one."""
    if _late(test, answer):
        return f"no answer within {test.time_limit:g} s"
    return "" if answer.status == 200 else f"status {answer.status}: {body(answer)}"


def _late(test: Compare, answer: ScoringAnswer) -> bool:
    return test.time_limit is not None and answer.seconds > test.time_limit


def _is_text(test: Compare, raw: bytes) -> bool:
    """Whether whole answers are compared that are no JSON."""
    if test.part or test.ignore:
        return False
    try:
        _json(raw)
    except _NoPart:
        return True
    return False


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=str)  # so that NaN is the same as NaN
    except (ValueError, RecursionError) as error:
        raise _NoPart(f"it is no JSON: {cut(raw[:640].decode(errors='replace')) or '(empty)'}") from error


def _parts(test: Compare, raw: bytes, *, text: bool) -> list[Any]:
    """What is compared of an answer, one for each row. Raises _NoPart."""
    if text:
        return [raw.decode(errors="backslashreplace")]
    document = _json(raw)
    for path in test.ignore:
        _drop(document, path.split("."))
    if not test.part:
        return [document]
    found = _selected(test.part, document)
    if test.unit == "answer" or (test.unit == "label" and not isinstance(found, list)):
        return [found]
    if not isinstance(found, list):
        raise _NoPart(f"`{test.part}` gives {value(found)}, which is no list")
    return found


def _selected(expression: str, document: Any) -> Any:
    import jmespath  # loaded only for plans that use it

    try:
        found = jmespath.search(expression, document)
    except (jmespath.exceptions.JMESPathError, RecursionError, ArithmeticError, TypeError) as error:
        raise _NoPart(f"`{expression}` cannot be evaluated: {cut(str(error))}") from error
    if found is None:
        raise _NoPart(f"`{expression}` gives nothing for {value(document)}")
    return found


def _drop(document: Any, path: Sequence[str]) -> None:
    """Take a path out of a document that was just parsed; `*` is any key, or any place in a list."""
    first, *rest = path
    if isinstance(document, list):
        for inner in document if first == "*" and rest else ():
            _drop(inner, rest)
    elif isinstance(document, dict):
        for key in [key for key in document if first in ("*", key)]:
            if rest:
                _drop(document[key], rest)
            else:
                del document[key]


def _rows(test: Compare, ours: Sequence[Any], theirs: Sequence[Any]) -> Iterator[Row]:
    """Row by row. Where one side has more of them, nobody knows which belongs to which: all differ."""
    if len(ours) == len(theirs):
        for index, (mine, its) in enumerate(zip(ours, theirs, strict=True)):
            yield _pair(test, index, mine, its)
        return
    count = f"({len(theirs)} {test.unit}s instead of {len(ours)})"
    for index, (mine, its) in enumerate(zip_longest(ours, theirs, fillvalue=NOTHING)):
        yield _row(test, index, inf, "", _shown(mine), f"{_shown(its)} {count}")


def _pair(test: Compare, index: int, ours: Any, theirs: Any) -> Row:
    places = differing(test.absolute, test.relative, ours, theirs, "$")
    worst = max(places, key=lambda place: place.size, default=None)
    if worst is None:
        return _row(test, index, 0.0, "", "", "")
    at = "" if worst.path == "$" else cut(worst.path, 60)
    return _row(test, index, worst.size, at, _shown(worst.one), _shown(worst.other))


def _shown(found: Any) -> str:
    return "nothing" if found is NOTHING else value(found)


def _row(test: Compare, index: int, apart: float, at: str, stable: str, candidate: str) -> Row:
    number = 0 if test.unit == "answer" else index + 1
    return Row(number, apart, at, stable, candidate)


def _numbers(test: Compare, ours: Sequence[Any], theirs: Sequence[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if test.distribution is None:
        return ((), ())
    return (tuple(_all_numbers(ours)), tuple(_all_numbers(theirs)))


def _all_numbers(found: Any) -> Iterator[float]:
    if is_number(found):
        yield found
    elif isinstance(found, (list, tuple)):
        for inner in found:
            yield from _all_numbers(inner)
    elif isinstance(found, dict):
        for inner in found.values():
            yield from _all_numbers(inner)
