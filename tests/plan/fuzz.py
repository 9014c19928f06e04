"""Structure-aware mutations of good plans, `az ml` files, requests, overlays, configurations, and of what the service
answers (for `import`), from a seed; and one trial.

A trial reads the mutated files. Only our own errors may come out, each fault complete, in bounded time. Run many in a
process of its own with limited memory: `python -m tests.plan.fuzz COUNT [SEED]` in an empty directory.
"""

# ruff: noqa: E501 - tables

from __future__ import annotations

import contextlib
import json
import random
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from rollout.core.canonical import read_endpoint
from rollout.errors import AzureError, PlanError, RolloutError, UsageError
from rollout.plan.editing import formatted
from rollout.plan.importing import imported
from rollout.plan.lint import lint
from rollout.plan.load import inspect_plan
from rollout.plan.origins import origins
from tests.plan.conftest import DEPLOYMENT, ENDPOINT, ROLES
from tests.plan.test_forms import FULL, LITERAL

NOW: Final = datetime(2026, 1, 5, tzinfo=UTC)
MEMORY: Final = 1 << 30
"""Bytes of address space for the process that runs many trials."""
SLOWEST: Final = 2.0
"""Seconds of processor time that one trial may take."""

OVERLAY: Final = (
    "version: 1\nkind: overlay\ncandidate: {set: {instance_count: 3}}\nstages: {watch: {bake: {for: 1h}}}\n"
)
CONFIG: Final = """\
version: 1
variables: {A: x, N: {type: whole, default: 2}}
defaults: {drift: report, on_failure: {candidate: delete, for: 1h}, slots: [left, right]}
reconcile: {interval: 10m}
"""
REQUEST: Final = '{"data": [[1, 2, 3.5], []], "a": {"b": null}}'
MORE: Final = """\
environment_variables: {A: b}
tags: {a: b}
request_settings: {request_timeout_ms: 90000}
liveness_probe: {initial_delay: 10, period: 10}
scale_settings: {type: default}
data_collector: {collections: {model_inputs: {enabled: 'True'}}}
resources: {requests: {cpu: '1', memory: 1Gi}}
"""
LIVE_ENDPOINT: Final = """\
{id: /subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/House,
 name: House, tags: {team: ml, rollout.plan: '1{"name":"p"}~0'}, location: eastus2, identity: {type: SystemAssigned},
 systemData: {lastModifiedAt: '2026-01-01T00:00:00.1234567+00:00'}, properties: {provisioningState: Succeeded,
 authMode: Key, publicNetworkAccess: Enabled, traffic: {Blue: 90}, mirrorTraffic: {}, scoringUri: 'https://house/score',
 compute: null, description: d, properties: {azureml.onlineendpointid: x, mine: '1'}}}
"""
LIVE_DEPLOYMENT: Final = """\
{id: /subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/H/b,
 name: Blue, tags: {rollout.revision: r}, sku: {capacity: 3}, properties: {provisioningState: Succeeded,
 endpointComputeType: Managed, instanceType: Standard_DS3_v2, model: azureml:prices:7, environmentId: 'azureml:e:1',
 codeConfiguration: {codeId: 'azureml:c:1', scoringScript: score.py}, scaleSettings: {scaleType: Default},
 environmentVariables: {A: b}, requestSettings: {requestTimeout: PT5S}, livenessProbe: {period: PT10S},
 containerResourceRequirements: {containerResourceRequests: {cpu: '1'}},
 dataCollector: {rollingRate: Day, collections: {in: {dataCollectionMode: Enabled, samplingRate: 0.5, dataId: d:1}}}}}
"""
_WORDS: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2, 10, 50, 100, 101, 10**18, 1.5, 1e300, -0.0, "", " ", "yes", "off", "none", "1e3", "0x1",
    "candidate", "stable", "blue", "green", "house", "azureml:m:1", "azureml:m@latest", "runs:/x", "http://x/y", "..", ".",
    "/", "../..", "house/endpoint.yml", "plan.yml", "30m", "1h30m", "PT5M", "9" * 400, "${A}", "${N}", "${B}", "$${", "${",
    "{{x}}", "a\tb", "a\nb", "\u202e", "ü", "x" * 300, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    [], {}, [[]], [{}], {"a": {}}, {"file": "house/deployment.yml"}, {"file": "x", "set": 1}, {"for": "1h"},
)  # fmt: skip
_KEYS: Final = (
    "deploy", "traffic", "mirror", "bake", "smoke_test", "approval", "scale", "delete", "name", "file", "set", "path", "for",
    "expect", "requests", "schema", "golden", "model", "code", "image", "type", "kind", "version", "stages", "0", "", "a.b",
)  # fmt: skip
_SNIPPETS: Final = (
    "\t", "\0", "\r", "\ufeff", "---\n", "...\n", "&a ", "*a", "<<: *a\n", "!!python/object:x ", "!x ", "? ", ": ", "- ", "[",
    "]", "{", "}", "'", '"', "|\n", ">\n", "#", "%YAML 9\n", "@", "`", "\n", "  ", "\x85", "\u2028", "${", "}", "null", "~",
)  # fmt: skip


def mutated(text: str, dice: random.Random) -> str:
    """The text changed in its structure, or as a text, or both."""
    if dice.random() < 0.8:
        tree = yaml.load(text, Loader=yaml.CSafeLoader)
        for _ in range(dice.randint(1, 3)):
            tree = changed(tree, dice)
        flow = dice.choice([None, True, False])
        text = yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True, default_flow_style=flow)
    for _ in range(dice.choice([0, 0, 0, 0, 0, 1, 1, 3])):
        text = _garbled(text, dice)
    return text


def changed(value: Any, dice: random.Random) -> Any:
    """One change somewhere inside: a value replaced, removed, repeated, or a key added or renamed."""
    if not isinstance(value, (dict, list)) or not value or dice.random() < 0.15:
        return dice.choice(_WORDS)
    if isinstance(value, list):
        index = dice.randrange(len(value))
        item = value[index]
        new = dice.choice([[], [item, item], [dice.choice(_WORDS), item], *[[changed(item, dice)]] * 5])
        return [*value[:index], *new, *value[index + 1 :]]
    key = dice.choice(list(value))
    what = dice.random()
    if what < 0.1:
        return {name: item for name, item in value.items() if name != key}
    if what < 0.2:
        return {**value, dice.choice(_KEYS): dice.choice(_WORDS)}
    if what < 0.25:
        return {(dice.choice(_KEYS) if name == key else name): item for name, item in value.items()}
    return {**value, key: changed(value[key], dice)}


def _garbled(text: str, dice: random.Random) -> str:
    at = dice.randrange(len(text) + 1)
    what = dice.random()
    if what < 0.5:
        return text[:at] + dice.choice(_SNIPPETS) + text[at:]
    if what < 0.75:
        return text[:at] + text[at + dice.randint(1, 20) :]
    other = dice.randrange(len(text) + 1)
    return text[:at] + text[other : other + 40] + text[at:]


def prepare(root: Path) -> None:
    """A repository with good files; trials change them."""
    for name, text in {
        "house/model/model.json": "{}",
        "house/code/score.py": "",
        "house/conda.yml": "name: house\n",
        "house/request.json": REQUEST,
        "house/schema.json": "{}",
        ".git/HEAD": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def trial(root: Path, seed: int) -> tuple[str, float]:
    """What came of one input ("valid", or the code of its first fault) and the seconds of processor time it took.
    Raises AssertionError for a fault of ours."""
    dice = random.Random(seed)
    files = {
        "plan.yml": dice.choice([ROLES, FULL, LITERAL]),
        "house/endpoint.yml": ENDPOINT,
        "house/deployment.yml": DEPLOYMENT + MORE,
        "rollout.yaml": CONFIG,
        "overlays/prod.yml": OVERLAY,
        "house/request.json": REQUEST,
    }
    if dice.random() < 0.1:
        return _timed(seed, lambda: _imported(dice))
    hit = {dice.choice(list(files)), "plan.yml" if dice.random() < 0.5 else ""}
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        data = (mutated(text, dice) if name in hit else text).encode("utf-8", "replace")
        (root / name).write_bytes(data)
    overlay = root / "overlays/prod.yml" if "overlays/prod.yml" in hit else None
    return _timed(seed, lambda: read(root, overlay))


def _timed(seed: int, act: Callable[[], str]) -> tuple[str, float]:
    start = time.process_time()
    outcome = act()
    seconds = time.process_time() - start
    assert seconds < SLOWEST, f"seed {seed} took too long"
    return outcome, seconds


def _imported(dice: random.Random) -> str:
    """What `import` makes of an answer of the service that is not as it should be."""
    body, blue = (yaml.load(text, Loader=yaml.CSafeLoader) for text in (LIVE_ENDPOINT, LIVE_DEPLOYMENT))
    for _ in range(dice.randint(1, 4)):
        target = body if dice.random() < 0.5 else blue
        key = dice.choice(list(target))
        target[key] = changed(target[key], dice)
    try:
        live = read_endpoint(body, [blue])
        found = imported(live, body, {each.name: blue for each in live.deployments})
    except (UsageError, AzureError):
        return "import: refused"
    assert all(yaml.load(text, Loader=yaml.CSafeLoader) for text in found.files.values())
    return "import: files"


def complete(error: PlanError) -> str:
    """The code of the first fault, after a look at all of them."""
    assert 1 <= len(error.faults) <= 51
    for fault in error.faults:
        assert fault.message
        assert len(str(fault)) < 1500
        assert "pydantic" not in str(fault)
    return error.faults[0].code


def read(root: Path, overlay: Path | None) -> str:
    """Load `plan.yml` and what it names: "valid", or the code of the first fault."""
    try:
        found = inspect_plan(root / "plan.yml", overlay=overlay, environment={})
    except PlanError as error:
        return complete(error)
    assert found.loaded.release.goal
    lint(found, NOW)
    list(origins(found.plan))
    text = (root / "plan.yml").read_bytes().decode("utf-8-sig")
    with contextlib.suppress(RolloutError):  # said, and nothing written
        once = formatted(text, "plan.yml")
        assert formatted(once, "plan.yml") == once, "formatting twice changes more than formatting once"
    return "valid"


def main(count: int, first: int) -> None:
    """Many trials in this process, with limited memory; prints how often each outcome was seen, and what it took."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    root = Path.cwd()
    prepare(root)
    seen: dict[str, int] = {}
    slowest = 0.0
    for seed in range(first, first + count):
        try:
            outcome, seconds = trial(root, seed)
        except BaseException:
            print(f"seed {seed}", file=sys.stderr)
            raise
        seen[outcome] = seen.get(outcome, 0) + 1
        slowest = max(slowest, seconds)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"outcomes": dict(sorted(seen.items())), "slowest": round(slowest, 3), "megabytes": megabytes}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
