"""The short form of `make fuzz`: every kept input again, and some changed ones; only our own faults come out."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.mutate import mutation
from tests.fuzz.target import LONGEST, Target
from tests.fuzz.targets import TARGETS

SECONDS = 1.0
"""Of processor time for the changed inputs of one target; the slowest of them has ten times as many."""
MOST = 2.0
"""Seconds of processor time for one input."""


@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds and corpus are read without a fault, each quickly, and they reach more than one end."""
    monkeypatch.chdir(tmp_path)
    target = TARGETS[name]
    ends: Counter[str] = Counter()
    for data in (*target.seeds, *corpus.kept(name)):
        start = time.process_time()
        ends[target.trial(data)] += 1
        assert time.process_time() - start < MOST, data
    assert len(ends) >= 3, ends


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes of them, from a fixed seed, as many as there is time for."""
    monkeypatch.chdir(tmp_path)
    target = TARGETS[name]
    inputs = (*target.seeds, *corpus.kept(name))
    end = time.process_time() + SECONDS
    for seed in range(1_000_000):
        dice = random.Random(seed)
        data = mutation(target, dice.choice(inputs), dice)
        assert len(data) <= LONGEST
        target.trial(data)
        if time.process_time() > end:
            break
    assert seed > 20


def test_the_corpus_is_small() -> None:
    """What is kept is ours to read: few inputs, short ones, one a line, and only of targets that there are."""
    assert {path.stem for path in corpus.KEPT.iterdir()} == set(TARGETS)
    for name in TARGETS:
        assert len(corpus.kept(name)) <= corpus.MOST
        assert all(len(data) <= corpus.LARGEST for data in corpus.kept(name))
        assert list(corpus.kept(name)) == sorted(corpus.kept(name), key=lambda data: (len(data), data))


def test_an_input_that_reaches_nothing_new_is_not_kept() -> None:
    """Of two that take the same way the first one stays; one with a fault is no example of anything."""
    markdown = TARGETS["markdown"]
    first, second = b'{"kind":0,"texts":["a"]}', b'{"kind":0,"texts":["b"]}'
    assert corpus.fewest(markdown, [first, second, first]) == [first]
    broken = Target(name="broken", seeds=(), trial=lambda data: str(1 / 0), tree="json")
    assert corpus.fewest(broken, [first]) == []
