"""Is the deployment healthy now? States, probes, and crashes that only the log still knows."""

from __future__ import annotations

import pytest

from rollout.core.verdict import Outcome, Verdict
from rollout.gates import bake
from rollout.ports import ScoringAnswer
from tests.gates.scripted import LogOnly, ScriptedScoring, Slept, answer, endpoint, not_ready, nothing


async def measured(*probes: ScoringAnswer, state: str = "Succeeded", log: str = "") -> tuple[Verdict, int, float]:
    """The verdict, the number of probes, and the seconds slept."""
    scoring, clock = ScriptedScoring(probes=probes or (answer(),)), Slept()
    verdict = await bake.measure(scoring, LogOnly(log), clock, endpoint(state), "green")
    return verdict, scoring.probed, clock.seconds


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_one_answer_of_the_server_is_enough(status: int) -> None:
    """Whatever it answers, it is up; its swagger page may be missing."""
    verdict, probed, slept = await measured(answer(status))
    assert verdict == Verdict(outcome=Outcome.PASS, reason="green is healthy", evidence={"probe": status})
    assert (probed, slept) == (1, 0.0)


async def test_a_424_that_hands_on_the_servers_own_answer_is_healthy() -> None:
    """The front end makes 424 of every answer that is not 200."""
    found = answer(424, b"", ms_azureml_model_error_statuscode="404", ms_azureml_model_error_reason="model_error")
    assert (await measured(found))[0].outcome is Outcome.PASS


async def test_a_moment_without_a_server_is_forgiven() -> None:
    """One bad probe, then a good one."""
    verdict, probed, slept = await measured(not_ready(), answer())
    assert (verdict.outcome, probed, slept) == (Outcome.PASS, 2, bake.PAUSE)


async def test_bad_probes_in_a_row_fail_with_the_end_of_the_log() -> None:
    """The evidence is what the container said last."""
    log = "\n".join(f"line {n}" for n in range(100))
    verdict, probed, _ = await measured(not_ready(), answer(503), answer(502), log=log)
    assert (verdict.outcome, probed) == (Outcome.FAIL, bake.TRIES)
    assert verdict.reason == "the server of green is down (424 model_not_ready, 503, 502)"
    assert verdict.evidence["log"] == [f"line {n}" for n in range(80, 100)]


async def test_an_unreachable_scoring_host_is_no_evidence() -> None:
    """The network between us and it may be broken."""
    verdict, probed, _ = await measured(nothing())
    assert (verdict.outcome, probed) == (Outcome.ERROR, bake.TRIES)
    assert verdict.reason == "the scoring host cannot be reached: connection refused"


async def test_a_mixture_of_bad_probes_is_no_data() -> None:
    """Busy is not down."""
    verdict, _, _ = await measured(not_ready(), not_ready(), answer(429))
    assert (verdict.outcome, verdict.reason) == (Outcome.NO_DATA, "green answered its probe with 429")


async def test_a_failed_deployment_is_not_even_probed() -> None:
    """The service's own word is enough."""
    verdict, probed, _ = await measured(state="Failed", log="boom")
    assert (verdict.outcome, verdict.reason, probed) == (Outcome.FAIL, "green is Failed", 0)
    assert verdict.evidence == {"log": ["boom"]}


async def test_a_deployment_that_is_gone_fails() -> None:
    """Somebody deleted it."""
    verdict = await bake.measure(ScriptedScoring(), LogOnly(), Slept(), endpoint(), "blue")
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, "blue does not exist any more")


@pytest.mark.parametrize(
    "line",
    ["[ERROR] Worker (pid:8) exited with code 139.", "[ERROR] Worker (pid:8) was sent SIGKILL! Perhaps out of memory?"],
)
async def test_a_crash_that_was_healed_is_still_a_crash(line: str) -> None:
    """The server is up again, but the log tells; the evidence ends with the crash."""
    verdict, _, _ = await measured(log=f"start\nwhy it died\n{line}\nstart\nready")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason == f"the process of green crashed: {line}"
    assert verdict.evidence == {"log": ["start", "why it died", line]}


@pytest.mark.parametrize(
    "line", ["Worker (pid:8) exited with code 0.", "Worker (pid:8) was sent SIGTERM!", "the worker crashed my car"]
)
async def test_an_orderly_end_of_a_worker_is_no_crash(line: str) -> None:
    """Workers are recycled."""
    assert (await measured(log=line))[0].outcome is Outcome.PASS
