"""Microsoft's example files inside plans: what the table says is what happens, and the page is the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.plan.load import inspect_plan
from tests.plan import corpus
from tests.plan.corpus import CORPUS, PAGE, WHY, Row, completed, files, plan_text, table, tried

ROWS = table()
HERE = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of az ml examples is not beside the repository")


REFUSED = [row for row in ROWS if row.faults and not row.templates]


def test_the_committed_page() -> None:
    """Write it again with `python -m tests.plan.corpus --page > docs/corpus.md`."""
    assert PAGE.read_text() == corpus.page()


def test_every_reason_is_explained() -> None:
    """A code in the table has its sentence; each sentence is needed."""
    assert {fault.split()[0] for row in REFUSED for fault in row.faults} == set(WHY)


def test_everything_that_the_service_has_is_tried() -> None:
    """No feature is missing from the table by accident."""
    uses = {use for row in ROWS for use in row.uses}
    assert uses >= {
        "Kubernetes", "registry model", "registered model", "registry environment", "MLflow", "no scoring script",
        "Triton", "custom container", "docker build", "data collector", "identity", "private network", "egress",
        "probes", "request settings", "scale settings", "resources", "variables",
    }  # fmt: skip


@HERE
def test_the_table_knows_every_file() -> None:
    """And no other. Write it again with `python -m tests.plan.corpus > tests/plan/corpus.yaml`."""
    assert [row.file for row in ROWS] == [path.relative_to(CORPUS).as_posix() for path in files()]


@HERE
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_what_happens(row: Row) -> None:
    """The same answer as in the table."""
    assert tried(CORPUS / row.file) == row


@HERE
@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.file)
def test_accepted_with_what_it_lacks(row: Row, tmp_path: Path) -> None:
    """The last column is enough."""
    path = completed(row, tmp_path)
    (tmp_path / "plan.yml").write_text(plan_text(path, row.set))
    assert inspect_plan(tmp_path / "plan.yml", environment={}).loaded.release.goal
