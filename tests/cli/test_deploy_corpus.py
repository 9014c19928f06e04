"""Microsoft's example deployments through `rollout apply`, unchanged; the next diff is empty."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.sdk import Sdk
from tests.plan.corpus import CORPUS, Row, completed, plan_text, table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of az ml examples is not beside the repository"),
]

ALL = [row for row in table() if row.kind == "deployment"]
_REGISTERED = re.compile(r"^(model|environment): azureml:([\w-]+)[@:]([\w-]+)", re.MULTILINE)
SAMPLED = (
    "custom-blob-storage.YAML",  # data collector
    "kubernetes-blue-deployment.yml",
    "kubernetes-green-deployment.yml",  # scale settings
    "vnet/sample/blue-deployment-vnet.yml",  # egress, custom container
    "lightgbm-deployment.yaml",  # MLflow without a scoring script
    "create-managed-deployment.yaml",  # Triton
    "inference/text-to-image/deploy-online.yaml",  # probes, request settings, variables
    "nyc_taxi_data_regression/deploy.yml",  # a registry's model
    "deployment-with-docker-context-environment.yaml",  # an image that is built
)
"""For the quick form: one for each thing that a deployment can use. All of them with ROLLOUT_CORPUS=1."""
ROWS = [row for row in ALL if os.environ.get("ROLLOUT_CORPUS") or row.file.endswith(SAMPLED)]


@pytest.fixture(scope="module", autouse=True)
def registered(sdk: Sdk) -> None:
    """The assets that the examples name."""
    texts = [(CORPUS / row.file).read_text() for row in ALL]
    for kind, name, version in sorted({found for text in texts for found in _REGISTERED.findall(text)}):
        sdk.asset(f"{kind}s", name, version if version.isdigit() else "1")


def test_the_sample_has_everything() -> None:
    """What any deployment of the table uses is used by one of the sample."""
    assert {use for row in ROWS for use in row.uses} >= {"Kubernetes", "registry model", "MLflow", "Triton"} | {
        "custom container", "docker build", "data collector", "egress", "probes", "scale settings", "resources",
    }  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_deployed(rollout: Command, on_emulator: Path, tmp_path: Path, row: Row) -> None:
    """Created, given all traffic, and then nothing is left to do."""
    path = completed(row, tmp_path / "files")
    plan = tmp_path / "plan.yml"
    plan.write_text(plan_text(path, {**row.set, "endpoint_name": None}, endpoint=f"corpus-{ALL.index(row)}"))

    applied = rollout("apply", plan, "--auto-approve", "--allow-hazard", "unpinned-asset")
    diff = rollout("diff", plan, "-o", "json", "--detailed-exitcode")
    gone = rollout("destroy", plan, "--yes")  # its cores are needed

    assert (applied.code, gone.code) == (0, 0), (applied.err, gone.err)
    assert (diff.code, diff.json["actions"], diff.json["decision"]["status"]) == (0, [], "done")
