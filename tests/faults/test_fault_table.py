"""Each documented fault strikes a release: sentence, remedy, exit code, what is left; and how the next run goes on.

The quick form does a sample of docs/faults.md again, the long form (`make faults`) writes all of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.conformance.emulated import emulator
from tests.faults.bench import Bench, Outcome
from tests.faults.page import PAGE, line, page
from tests.faults.table import FAULTS, Provoked

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SAMPLE: Final = (
    "image-build-failure", "resource-not-ready", "canceled-by-lock", "out-of-quota-cpu", "k8s-kubernetes-unaccessible",
    "permission-denied", "scope-locked", "throttled", "dropped-after-acting",
    "garbage",
    "name-not-released",
    "key-denied", "model-error", "model-not-ready", "too-few-instances", "k8s-overloaded", "scoring-dropped",
)  # fmt: skip
LONG: Final = bool(os.environ.get("ROLLOUT_FAULTS"))
BY_ID: Final = {fault.id: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An endpoint with one release, on an emulator whose containers answer from a stub."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "work").mkdir()
    with emulator(folder / "state", 5000.0, "--no-throttle") as target:
        made = Bench(target, folder / "work")
        made.ready()
        yield made


def _judge(outcome: Outcome) -> None:
    """What holds for every fault: stable serves on, a sentence has its remedy, and there is a way to go on."""
    fault = outcome.fault.id
    assert re.search(r"(stable|candidate) Succeeded, 100 %", outcome.left), fault
    kinds = [text.partition(":")[0] for text in outcome.struck.complaint]
    assert kinds in ([], ["error", "hint"]), (fault, outcome.struck.told)
    assert outcome.struck.code == 0 or outcome.struck.complaint or outcome.struck.verdict, outcome.struck.told
    if outcome.after.status == "done":
        assert (outcome.after.code, outcome.end) == (0, "candidate Succeeded, 100 %"), fault
    else:
        assert (outcome.after.code, outcome.after.status) == (10, "hold"), fault
        assert "rollout retry" in outcome.after.reason, fault


@pytest.mark.skipif(LONG, reason="the long form does all of them")
@pytest.mark.parametrize("fault", SAMPLE)
def test_a_fault_of_the_page(bench: Bench, fault: str) -> None:
    """Its line is what happens."""
    outcome = bench.meet(BY_ID[fault])
    _judge(outcome)
    assert line(outcome) in PAGE.read_text(encoding="utf-8").splitlines()


@pytest.mark.skipif(not LONG, reason="minutes: ROLLOUT_FAULTS=all, or `make faults`")
def test_every_fault(bench: Bench) -> None:
    """The whole page is what happens; ROLLOUT_FAULTS=write writes it."""
    outcomes = [_met(bench, fault) for fault in FAULTS]
    if os.environ["ROLLOUT_FAULTS"] == "write":
        PAGE.write_text(page(outcomes), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(outcomes)


def _met(bench: Bench, fault: Provoked) -> Outcome:
    outcome = bench.meet(fault)
    _judge(outcome)
    return outcome


def test_every_fault_is_on_the_page() -> None:
    """In the table's order."""
    told = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == [fault.id for fault in FAULTS]
