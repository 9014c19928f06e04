"""A small project on disk: an endpoint, a deployment with local files, a request; and ways to load plans beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.errors import PlanError
from rollout.plan.load import LoadedPlan, load_release

ENDPOINT = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json
name: house-prices
auth_mode: key
tags: {team: ml}
"""
DEPLOYMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
endpoint_name: house-prices
model:
  path: model/
code_configuration:
  code: code/
  scoring_script: score.py
environment:
  conda_file: conda.yml
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest
instance_type: Standard_DS3_v2
instance_count: 2
"""
ROLES = """\
version: 1
name: house-prices
endpoint: house/endpoint.yml
candidate: house/deployment.yml
stages:
  - deploy: candidate
  - traffic: 10
  - traffic: 100
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder, which is also the working directory, so that faults show short paths."""
    house = tmp_path / "house"
    for name, text in {
        "endpoint.yml": ENDPOINT,
        "deployment.yml": DEPLOYMENT,
        "model/model.json": '{"slope": 2}',
        "code/score.py": "def run(data):\n    return data\n",
        "conda.yml": "name: house\n",
        "request.json": '{"data": [[1, 2]]}',
    }.items():
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


Load = Callable[[str], LoadedPlan]


@pytest.fixture
def load(project: Path) -> Load:
    """Write a plan beside the project's files and load it."""

    def written(text: str) -> LoadedPlan:
        Path("plan.yml").write_text(text)
        return load_release(Path("plan.yml"))

    return written


@pytest.fixture
def refused(load: Load) -> Callable[[str], list[str]]:
    """Load a plan that is wrong: its faults as lines, with what was expected and the hint."""

    def faults(text: str) -> list[str]:
        with pytest.raises(PlanError) as caught:
            load(text)
        return [" | ".join(filter(None, (str(f), f.expected, f.hint))) for f in caught.value.faults]

    return faults
