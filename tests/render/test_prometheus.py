"""The gauges of a document, by name and labels."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from rollout.render.document import AnyDocument, Pass, Reconciliation
from rollout.render.prometheus import prometheus
from tests.render.worlds import at_ten_percent, gate_failed, no_result, told


def gauges(document: AnyDocument) -> dict[tuple[str, ...], float]:
    """Name and label values of each sample, without the plan's own labels."""
    found = (sample for family in text_string_to_metric_families(prometheus(document)) for sample in family.samples)
    own = ("plan", "endpoint", "file")
    return {(one.name, *(value for key, value in one.labels.items() if key not in own)): one.value for one in found}


def test_a_rollout_at_ten_percent() -> None:
    """Where it is, what serves, what is still to come."""
    document = told(at_ten_percent())
    found = gauges(document)
    ratios = {labels: value for labels, value in found.items() if labels[0] == "rollout_traffic_ratio"}
    assert ratios == {("rollout_traffic_ratio", "blue"): 0.9, ("rollout_traffic_ratio", "green"): 0.1}
    assert found["rollout_candidate_traffic_ratio",] == 0.1
    assert found["rollout_pending_actions",] == len(document.actions)
    assert {labels[1] for labels in found if labels[0] == "rollout_status"} == {document.decision.status.value}
    assert {labels[1] for labels in found if labels[0] == "rollout_phase"} == {"releasing"}
    assert document.observed_at is not None
    assert found["rollout_look_timestamp_seconds",] == document.observed_at.timestamp()


def test_what_a_gate_said() -> None:
    """The last word of each in this command, and how the command ended."""
    found = gauges(gate_failed())
    assert [labels[1:] for labels in found if labels[0] == "rollout_verdict"] == [("5-bake-30", "FAIL")]
    assert found["rollout_exit_code",] == 4


def test_a_pass_over_many() -> None:
    """A plan that could not be looked at has its file, its exit code and its status; no two samples are the same."""
    whole = told(at_ten_percent())
    passes = (
        Pass(file="a.yml", exit_code=3, status="error", reason="not valid"),
        Pass(file=whole.file, exit_code=0, status="wait", reason="bakes", writes=1, change_set=whole),
    )
    text = prometheus(Reconciliation(exit_code=3, plans=passes))
    assert 'rollout_status{file="a.yml",status="error"} 1\n' in text
    assert f'rollout_writes{{file="{whole.file}"}} 1\n' in text
    assert "rollout_plans 2\n" in text
    assert text.count("# TYPE rollout_status gauge\n") == 1


def test_no_result() -> None:
    """The exit code alone."""
    assert gauges(no_result()) == {("rollout_exit_code",): no_result().exit_code}
