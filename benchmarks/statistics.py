"""The judge's operating characteristics in full: `python -m benchmarks.statistics` writes them into docs/statistics.md.

The fast form of the same is tests/statistics. Takes about a quarter of an hour on one core; everything has a seed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from math import comb, log
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.peers import Kayenta, Ours, RepeatedZ, Threshold, Watcher
from benchmarks.rollouts import Seen, Truth, ours, play, proven
from benchmarks.simulation import Floats, log_factor
from benchmarks.table import Row

ALPHA: Final = 0.05
DOCS: Final = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
RATES: Final = (0.001, 0.005, 0.02, 0.2)
SPLITS: Final = (0.01, 0.1, 0.25, 0.5)
Table = Sequence[Sequence[str]]


def sup_e(largest: tuple[int, int] = (30, 300)) -> float:
    """The largest mean of a block's factor over the null, by summing over every outcome of both arms."""
    worst = 0.0
    truths = (0.001, 0.005, 0.02, 0.1, 0.3, 0.7, 0.98)
    alternatives = ((0.0075, 0.005), (0.02, 0.01), (0.05, 0.005), (0.3, 0.1), (0.5, 0.45), (0.999, 0.2))
    sizes = [(1, 1), (3, 27), (10, 90), (30, 30), (15, 300), largest]
    for margin, rates, (n, m) in product((-0.01, 0.0, 0.01), alternatives, sizes):
        a, b = np.meshgrid(np.arange(n + 1.0), np.arange(m + 1.0), indexing="ij")
        shape = np.ones_like(a)
        factors = np.exp(log_factor(margin, (rates[0] * shape, rates[1] * shape), n * shape, a, m * shape, b))
        for lower in truths:
            upper = lower + margin
            if 0 <= upper <= 1:
                worst = max(worst, float(_binomial(n, upper) @ factors @ _binomial(m, lower)))
    return worst


def _binomial(n: int, p: float) -> Floats:
    return np.array([comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])


def levels(runs: int, looks: int) -> Iterator[tuple[float, float, float]]:
    """Rate, split and the share of equal candidates that are rolled back, with a look every minute."""
    for rate, split in product(RATES, SPLITS):
        truth = Truth(shares={0: split}, stable=rate, candidate=rate)
        yield rate, split, ours(truth, runs=runs, minutes=looks, seed=11).share


def hard_cases(runs: int) -> Iterator[tuple[str, float]]:
    """What happens to both arms, and how often an equal candidate is rolled back for it (180 looks)."""
    stages = {0: 0.01, 40: 0.1, 80: 0.5, 120: 0.9}
    yield (
        "an outage of both (+20 points, 10 min) while the weight goes from 10 to 50 %",
        _false(Truth(shares={0: 0.1, 65: 0.5}, outage=range(60, 70)), runs),
    )
    yield "four stages, 1 to 90 %", _false(Truth(shares=stages, stable=0.02, candidate=0.02), runs)
    for rate, split, correlation in product((0.001, 0.005, 0.02), (0.1, 0.5), (0.02, 0.2)):
        truth = Truth(shares={0: split}, stable=rate, candidate=rate, correlation=correlation)
        yield (
            f"bursts: correlation {correlation:g}, {rate:.1%} errors, {split:.0%} to the candidate",
            _false(truth, runs),
        )


def _false(truth: Truth, runs: int) -> float:
    return ours(truth, runs=runs, minutes=180, seed=13).share


EXPECTED: Final = {0.01: (0.94, 57), 0.015: (1.0, 20), 0.025: (1.0, 7), 0.05: (1.0, 3), 0.2: (1.0, 1)}
"""Detected and median minute by the candidate's rate (stable 0.5 %, 30 of 300 requests a minute), as designed."""
PROOFS: Final = {
    (0.005, 0.005, 0.005, 0.1): (0.95, 52),
    (0.005, 0.005, 0.01, 0.1): (1.0, 19),
    (0.005, 0.005, 0.005, 0.5): (1.0, 16),
    (0.005, 0.01, 0.005, 0.1): (0.05, None),
    (0.02, 0.04, 0.02, 0.1): (0.05, None),
}
"""Proven and median minute by stable's rate, the candidate's, the margin and the split, as designed."""


def bound(truth: Truth) -> float:
    """ln(1/α)/g: the expected minutes of the best test that knows the truth."""
    mine = truth.per_minute * truth.shares[0]
    theirs = truth.per_minute - mine
    both = (mine * truth.candidate + theirs * truth.stable) / (mine + theirs)
    return log(1 / ALPHA) / (mine * _kl(truth.candidate, both) + theirs * _kl(truth.stable, both))


def _kl(p: float, q: float) -> float:
    return p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))


def watchers(runs: int) -> list[Watcher]:
    """Ours, and what others do. Their threshold is a success rate of 99 %; stable has 99.5 %."""
    return [
        Ours(runs),
        Threshold("Flagger (threshold 5)", 5),
        Threshold("Argo (failureLimit 3)", 4, silence_fails=False),
        Kayenta(),
        RepeatedZ(),
    ]


class Beside:
    """All watchers on the same minutes: false rollbacks (the worse of two nulls), and detection of thrice as many."""

    def __init__(self, per_minute: int, split: float, runs: int) -> None:
        self.per_minute, self.split, self.runs = per_minute, split, runs
        self.names = [watcher.name for watcher in watchers(1)]
        self.equal = self._played(candidate=0.005)
        self.outage = self._played(candidate=0.005, outage=range(60, 70))
        self.false = [max(one.share, two.share) for one, two in zip(self.equal, self.outage, strict=True)]
        self.found = self._played(candidate=0.015)

    def _played(self, **truth: object) -> list[Seen]:
        given = Truth(per_minute=self.per_minute, shares={0: self.split}, **truth)  # type: ignore[arg-type]
        return play(given, watchers(self.runs), runs=self.runs, minutes=180, seed=17)

    @property
    def best(self) -> bool:
        """Whether nobody detects as much as we do with fewer false rollbacks (2 points of chance left aside)."""
        mine, found = self.false[0], self.found[0].share
        return not any(
            other.share >= found - 0.02 and false < mine - 0.02
            for other, false in zip(self.found[1:], self.false[1:], strict=True)
        )


def rows() -> Iterator[Row]:
    """The budgets of the benchmark, in a shorter form than the document's."""
    yield Row(name="largest mean of a factor under the null", value=sup_e(), most=1 + 1e-6)
    most = ALPHA + 3 * float(np.sqrt(ALPHA * (1 - ALPHA) / 1000))
    for rate, split, share in levels(1000, 500):
        yield Row(
            name=f"false rollbacks at {rate:.1%}, split {split:.0%}", value=100 * share, unit="%", most=100 * most
        )
    for rate, (share, minute) in EXPECTED.items():
        seen = ours(Truth(candidate=rate), runs=1000, minutes=180)
        yield Row(name=f"0.5 % → {rate:.1%} detected", value=100 * seen.share, unit="%", least=100 * share - 3)
        yield Row(name=f"0.5 % → {rate:.1%} median", value=seen.median, unit="min", most=max(1.3 * minute, minute + 1))


def _shown(head: Sequence[str], table: Table) -> str:
    lines = [head, ["---"] * len(head), *table]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _level_table(runs: int, looks: int) -> str:
    found = {(rate, split): share for rate, split, share in levels(runs, looks)}
    lines = [[f"{rate:.1%}", *(_percent(found[rate, split]) for split in SPLITS)] for rate in RATES]
    limit = ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / runs)
    title = f"{runs:,} rollouts each, {looks:,} looks; at most {_percent(float(limit))} by chance if the level is 5 %."
    return f"{title}\n\n" + _shown(["errors", *(f"{split:.0%} / {1 - split:.0%}" for split in SPLITS)], lines)


def _power_table(runs: int) -> str:
    lines: list[Sequence[str]] = []
    for rate, (share, minute) in EXPECTED.items():
        truth = Truth(candidate=rate)
        seen = ours(truth, runs=runs, minutes=180)
        wanted = f"{_percent(share)} @ {minute}"
        got = f"{_percent(seen.share)} @ {seen.median:.0f}"
        lines.append([f"0.5 % → {rate:.1%} is worse", wanted, got, f"{bound(truth):.1f} min"])
    for (stable, candidate, margin, split), (share, least) in PROOFS.items():
        seen = proven(Truth(shares={0: split}, stable=stable, candidate=candidate), margin, runs=runs // 3, minutes=180)
        wanted = f"at most {_percent(share)}" if least is None else f"{_percent(share)} @ {least}"
        what = f"{stable:.1%} and {candidate:.1%}: proven within {margin:.1%}, at {split:.0%}"
        lines.append([what, wanted, f"{_percent(seen.share)} @ {seen.median:.0f}", "–"])
    return _shown(["truth", "designed (share @ median minute)", "measured", "best possible mean"], lines)


def _beside_table(runs: int) -> tuple[str, list[Beside]]:
    played = [Beside(rate, split, runs) for split in (0.1, 0.5) for rate in (30, 100, 300, 1000, 3000)]
    lines: list[Sequence[str]] = []
    for one in played:
        cells = [
            f"{100 * equal.share:.0f}, {100 * outage.share:.0f} / {100 * seen.share:.0f}"
            + (f" @ {seen.median:.0f}" if seen.share else "")
            for equal, outage, seen in zip(one.equal, one.outage, one.found, strict=True)
        ]
        lines.append([f"{one.per_minute:,}", f"{one.split:.0%}", *cells, "yes" if one.best else "**no**"])
    return _shown(["requests a minute", "candidate", *played[0].names, "ours is best"], lines), played


def measured(runs: int, looks: int, beside_runs: int) -> str:
    """The section of the document, as Markdown."""
    hard: Table = [[what, _percent(share)] for what, share in hard_cases(min(runs, 4000))]
    table, _ = _beside_table(beside_runs)
    return "\n".join(
        [
            f"The largest mean of a block's factor under the null, by exact enumeration: {sup_e():.9f}.\n",
            "### An equal candidate is rolled back\n\n" + _level_table(runs, looks),
            "### … whatever happens to both\n\n" + _shown(["what happens", "rolled back"], hard),
            "### A worse candidate is seen, an equal one proven\n\n" + _power_table(3000),
            "### Beside others, on the same minutes\n\n"
            "In percent: equal candidates (0.5 %) that are rolled back, the same with an outage of both / detected "
            f"within 180 minutes (0.5 % → 1.5 %) @ median minute. {beside_runs} rollouts each.\n\n" + table,
        ]
    )


def write(section: str) -> None:
    """Put the section between its marks in docs/statistics.md."""
    page = DOCS / "statistics.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{section}\n{END}{after}", encoding="utf-8")


def plot() -> None:
    """Two pictures: false rollbacks by the number of looks, and detection by the minute."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "rollout", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    minutes = np.arange(1, 181)
    pictures = (
        ("false-rollbacks", "an equal candidate (0.5 %) is rolled back", 0.005),
        ("detection", "a candidate with three times the errors (1.5 %) is rolled back", 0.015),
    )
    for name, title, rate in pictures:
        figure, axes = pyplot.subplots(figsize=(6.4, 3.2))
        given = watchers(1000)
        for watcher, seen in zip(given, play(Truth(candidate=rate), given, runs=1000, minutes=180), strict=True):
            axes.plot(minutes, [100 * float((seen.when <= minute).mean()) for minute in minutes], label=watcher.name)
        axes.set(
            xlabel="minutes (one look each), 300 requests a minute, 10 % to the candidate", ylabel="%", title=title
        )
        axes.axhline(100 * ALPHA, color="grey", linewidth=0.6, linestyle=":")
        axes.legend(frameon=False)
        figure.tight_layout()
        figure.savefig(DOCS / f"statistics-{name}.svg", metadata={"Date": None})
        pyplot.close(figure)


if __name__ == "__main__":
    if "--plots-only" not in sys.argv:
        write(measured(10_000, 2000, 400))
    plot()
