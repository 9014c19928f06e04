"""Does some test notice a mistake in rollout/core? `python -m tests.mutation [--open] [MODULE…]`.

Every mutant of the modules is tried (with `--open` only those that survived without a reason, where the module is as
it was). Writes docs/reliability/mutation-*.json and docs/mutation.md; exit code 1 where a mutant survives without a
reason, or a reason is given for one that does not survive.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.mutation import kept, page
from tests.mutation.kept import Score, Survivor
from tests.mutation.mutants import Mutant
from tests.mutation.trial import DEAD, NOT_REACHED, SURVIVED, Outcome, Trials
from tests.mutation.typed import refused

TESTS: Final = (
    "tests/core",
    "tests/plan/test_policy.py",
    "tests/plan/test_policies.py",
    "tests/plan/test_windows.py",
    "tests/plan/test_notifying.py",
    "tests/gates/test_evidence.py",
    "tests/cases",
    "tests/golden/test_histories.py",
    "tests/plan/test_revision.py",
    "tests/plan/test_exported.py",
    "tests/runner/test_guard.py",
    "tests/runner/test_untaken.py",
    "tests/statistics/test_validity.py",
    "tests/statistics/test_foresight.py",
)
"""Everything in process that takes milliseconds. What only a server would notice is not noticed here."""
QUIET: Final = ("-q", "--tb=no", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:warnings")
PREFIX: Final = "rollout.core."


def main(arguments: list[str]) -> int:
    """Try, keep, tell. Returns the exit code."""
    if any(one.startswith("-") and one != "--open" for one in arguments):
        print(__doc__)
        return 2
    names = [one for one in arguments if not one.startswith("-")]
    files = {PREFIX + name: path for name, path in kept.chosen(names).items()}
    before = {PREFIX + score.module: score for score in kept.scores()} if "--open" in arguments else {}
    known = {
        module: {one.key for one in score.open}
        for module, score in before.items()
        if module in files and score.source == kept.digest(files[module])
    }
    trials = Trials(files, lambda mutant: _key(mutant) in known.get(mutant.module, {_key(mutant)}), _tell)
    status = pytest.main([*QUIET, *TESTS], plugins=[trials])
    if status or trials.broken:
        print(f"the tests are not green without a mutant: {', '.join(trials.broken) or status}")
        return 1
    faults = list(_kept(trials.outcomes, files, {module: before[module] for module in known}))
    page.PAGE.write_text(page.page(), encoding="utf-8")
    print("\n".join(faults))
    return 1 if faults else 0


def _kept(outcomes: Iterable[Outcome], files: dict[str, Path], before: Mapping[str, Score]) -> Iterable[str]:
    """Write each module's score; what is wrong with it, line by line."""
    survivors: defaultdict[str, list[Mutant]] = defaultdict(list)
    words: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in outcomes:
        words[one.mutant.module][one.word] += 1
        if one.word in (SURVIVED, NOT_REACHED):
            survivors[one.mutant.module].append(one.mutant)
    untyped = refused([one for some in survivors.values() for one in some], files, kept.ROOT / ".mypy_cache")
    for module, path in files.items():
        left = [_survivor(one) for one in survivors[module] if one not in untyped]
        score = _score(module, words[module], len(survivors[module]) - len(left), left, kept.digest(path))
        if module in before:
            score = _added(before[module], score)
        kept.keep(score)
        yield from (f"{score.module}.{one.function}: {one.line}\n    {one.was}\n -> {one.now}" for one in score.open)
        if module not in before:
            survived = {one.key for one in left}
            needless = [one for one in kept.justified().get(score.module, ()) if one.key not in survived]
            yield from (f"{score.module}.{one.function}: a reason for what a test kills: {one.now}" for one in needless)


def _score(module: str, words: Counter[str], untyped: int, left: list[Survivor], source: str) -> Score:
    name = module.removeprefix(PREFIX)
    reasons = {one.key for one in kept.justified().get(name, ())}
    excused = [one for one in left if one.key in reasons]
    killed = sum(words[word] for word in DEAD)
    return Score(
        module=name,
        mutants=killed + len(left),
        killed=killed,
        justified=len(excused),
        refused=untyped,
        open=tuple(one for one in left if one.key not in reasons),
        source=source,
    )


def _added(before: Score, now: Score) -> Score:
    """Of the survivors of another time, what became of them since. Killed is what is left: two mutants of one line may
    be told in the same words, and then both are tried again."""
    mutants, justified = before.mutants - now.refused, before.justified + now.justified
    return msgspec.structs.replace(
        before,
        mutants=mutants,
        killed=mutants - justified - len(now.open),
        justified=justified,
        refused=before.refused + now.refused,
        open=now.open,
    )


def _survivor(mutant: Mutant) -> Survivor:
    return Survivor(function=mutant.function, line=mutant.text, was=mutant.was, now=mutant.now)


def _key(mutant: Mutant) -> tuple[str, ...]:
    return _survivor(mutant).key


def _tell(outcome: Outcome) -> None:
    print({SURVIVED: "S", NOT_REACHED: "N"}.get(outcome.word, "."), end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
