"""Targets: the loader of plans, and the reader of `az ml` files. The input is a file, or several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.fuzz.mutate import BREAK
from tests.fuzz.target import Target
from tests.plan.conftest import DEPLOYMENT, ENDPOINT, ROLES
from tests.plan.fuzz import CONFIG, MORE, OVERLAY, REQUEST, prepare, read
from tests.plan.test_forms import FULL, LITERAL

_GOOD: Final[Mapping[str, str]] = {
    "plan.yml": ROLES,
    "house/endpoint.yml": ENDPOINT,
    "house/deployment.yml": DEPLOYMENT + MORE,
    "house/request.json": REQUEST,
    "rollout.yaml": CONFIG,
    "overlays/prod.yml": OVERLAY,
}
_LITERAL_DEPLOYMENT: Final = DEPLOYMENT.replace("endpoint_name: house-prices\n", "name: green\n")
_KUBERNETES: Final = """\
type: kubernetes
model: azureml:prices:7
environment: azureml:house@latest
resources: {requests: {cpu: '0.1', memory: 0.5Gi}, limits: {cpu: '1', memory: 1Gi, nvidia.com/gpu: 0}}
scale_settings: {type: target_utilization, min_instances: 1, max_instances: 5, target_utilization_percentage: 70}
"""
_INLINE: Final = """\
instance_type: Standard_F4s_v2
model: {name: prices, version: '1', path: model, type: mlflow_model}
environment:
  name: e
  build: {path: code, dockerfile_path: score.py}
  inference_config: {liveness_route: {port: 80, path: /}}
app_insights_enabled: true
readiness_probe: {initial_delay: 5, failure_threshold: 3, timeout: 1, success_threshold: 1}
"""


def _read(files: Mapping[str, str], first: str, data: bytes) -> str:
    """Write the files (the input's over the good ones) and load the plan."""
    root = Path.cwd()
    if not (root / ".git").exists():
        prepare(root)
    text, *more = data.split(BREAK.encode())
    given = {first: text}
    for part in more:
        named, _, content = part.partition(b"\n")
        if (known := named.decode("latin-1")) in _GOOD:
            given[known] = content
    for name, good in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(given.get(name) or good.encode())
    return read(root, root / "overlays/prod.yml" if "overlays/prod.yml" in given else None)


def _plan(data: bytes) -> str:
    return _read(_GOOD, "plan.yml", data)


def _az(data: bytes) -> str:
    return _read(_GOOD, "house/deployment.yml", data)


def _with(text: str, **others: str) -> bytes:
    names = {"endpoint": "house/endpoint.yml", "overlay": "overlays/prod.yml", "config": "rollout.yaml"}
    return BREAK.join([text, *(f"{names[name]}\n{content}" for name, content in others.items())]).encode()


PLAN: Final = Target(
    name="plan",
    seeds=(
        *(_with(text) for text in (ROLES, FULL, LITERAL)),
        _with(FULL, overlay=OVERLAY, config=CONFIG),
        _with(ROLES.replace("house-prices", "house-${A}-${N}"), config=CONFIG),
    ),
    trial=_plan,
    tree="yaml",
)
AZ: Final = Target(
    name="az",
    seeds=(
        _with(DEPLOYMENT + MORE, endpoint=ENDPOINT),
        _with(_LITERAL_DEPLOYMENT),
        _with(_KUBERNETES, endpoint=ENDPOINT + "compute: azureml:k8s\nidentity: {type: user_assigned}\n"),
        _with(_INLINE, endpoint=ENDPOINT + "public_network_access: disabled\nproperties: {a: b}\n"),
    ),
    trial=_az,
    tree="yaml",
)
