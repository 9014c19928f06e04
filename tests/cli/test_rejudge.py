"""`rollout rejudge`: recorded minutes judged again, from a saved document."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rollout.cli.main import main
from rollout.core.verdict import Verdict
from rollout.gates import evidence
from rollout.render.saved import encode
from tests.gates.counting import HEALTHY, ROLES, Rates, Scripted, bake, running, steady
from tests.render import worlds

FAILED = worlds.documents()["gate_failed"]


def saved(folder: Path, rates: Rates, minutes: int = 30) -> str:
    """The path of a document whose gate `watch` has measured those minutes."""

    async def measured() -> Verdict:
        return await evidence.measure(Scripted(rates), bake(), running(minutes), ROLES, HEALTHY)

    found = asyncio.run(measured())
    plain = json.loads(encode(FAILED))
    one = {"gate": "watch", "outcome": found.outcome.value, "reason": found.reason, "evidence": found.evidence}
    plain["result"]["measurements"] = [one]
    file = folder / "saved.json"
    file.write_text(json.dumps(plain))
    return str(file)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    code = main(["rejudge", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_as_it_was_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence of the verdict, and the evidence over time."""
    code, out, _ = told(capsys, saved(tmp_path, steady(candidate_bad=1)))
    assert (code, out.splitlines()) == (
        0,
        [
            "watch: α 0.05, of which 0.05 to each check",
            "  regression    error_rate: 25 bad of 750 (3.33%) of green, 25 bad of 6,750 (0.37%) of blue: worse, "
            "shown at 12:14 (E 675.1, limit 20)",
            "                ▁▁▁▂▂▃▄▄▅▅▆▆▇██████████████",
            "                evidence that it is worse, 27 minutes; █ is the limit",
        ],
    )


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ((), "regression"),
        (("--alpha", "0.000000000001"), "inconclusive"),
        (("--tolerate", "50%"), "proven"),
        (("--at-most", "20%"), "proven"),
    ],
)
def test_by_other_terms(tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], state: str) -> None:
    """What they would have said of the same minutes."""
    code, out, _ = told(capsys, saved(tmp_path, steady(candidate_bad=1)), *flags, "--output", "json")
    found: Any = json.loads(out)["gates"]["watch"]
    assert (code, [check["state"] for check in found]) == (0, [state])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.json",), "cannot read nothing.json"),
        (("FILE", "--alpha", "1"), "Invalid value for '--alpha'"),
        (("FILE", "--tolerate", "0.5"), "0.5 is not a share; write a percentage such as 0.5%"),
        (("FILE", "--at-most", "0%"), "no traffic can prove a share of 0%"),
    ],
)
def test_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    """Input that is wrong: exit 3, and a sentence."""
    file = saved(tmp_path, steady(), 1)
    code, _, err = told(capsys, *(file if one == "FILE" else one for one in arguments))
    assert code == 3
    assert message in err


def test_a_document_without_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gate by time alone leaves nothing to judge."""
    file = tmp_path / "plain.json"
    file.write_text(encode(FAILED))
    code, _, err = told(capsys, str(file))
    assert (code, "has no recorded checks" in err) == (3, True)
