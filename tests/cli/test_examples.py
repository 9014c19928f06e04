"""The plans of `plans/`: each is valid, is released, and its whole way is walked."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.cli.conftest import Command
from tests.cli.sdk import Sdk

PLANS: Final = Path(__file__).parents[2] / "plans"
EXAMPLES: Final = sorted(path.name.removesuffix(".rollout.yml") for path in PLANS.glob("*.rollout.yml"))
SHORT_ON_PURPOSE: Final = {"broken", "broken-smoke", "compared", "safe-rollout"}
"""For the demo, the tests, and Microsoft's own steps in their literal form: `validate` warns of what they leave out."""
FOR_LONG: Final = pytest.mark.skipif(not os.environ.get("ROLLOUT_EXAMPLES"), reason="the long form: ROLLOUT_EXAMPLES=1")
WHAT_COUNTS: Final = re.compile(r"\b(?:PLAN|LINT)\d+")
A_MUTABLE_IMAGE: Final = "LINT005"


def plan(name: str) -> Path:
    """The file of that example."""
    return PLANS / f"{name}.rollout.yml"


@pytest.mark.parametrize("name", sorted({*EXAMPLES} - SHORT_ON_PURPOSE))
def test_nothing_to_warn_of(rollout: Command, name: str) -> None:
    """An example to copy has no fault, and of our warnings only the one about the image's tag."""
    ran = rollout("validate", plan(name))
    assert (ran.code, set(WHAT_COUNTS.findall(ran.err)) - {A_MUTABLE_IMAGE}) == (0, set()), ran.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kubernetes", "mlflow", "registry"])
def test_deployed(rollout: Command, sdk: Sdk, on_emulator: Path, name: str) -> None:
    """The service takes what cannot be scored here, and it is then what the plan asks for."""
    applied = rollout("apply", plan(name), "--auto-approve", "--until", "deploy")
    diff = rollout("diff", plan(name), "-o", "json")
    gone = rollout("destroy", plan(name), "--yes")
    assert (applied.code, gone.code) == (0, 0), (applied.err, gone.err)
    assert diff.json["decision"]["reason"] == "smoke-test must be measured"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["evidence", *(pytest.param(name, marks=FOR_LONG) for name in ("kubernetes", "mlflow", "registry"))]
)
def test_a_bad_candidate(rollout: Command, name: str) -> None:
    """Only evidence finds a candidate that fails in 6 of 100 requests and is healthy otherwise."""
    ran = rollout("simulate", plan(name), "--errors", "candidate=6%", "-o", "json")
    assert (ran.code, ran.json["traffic"]) == ((4, {"blue": 100}) if name == "evidence" else (0, {"green": 100}))


@FOR_LONG
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*EXAMPLES} - {"broken", "broken-smoke", "registry"}))
def test_the_whole_way(rollout: Command, name: str) -> None:
    """With a good candidate each ends with it."""
    ran = rollout("simulate", plan(name), "--scoring", "-o", "json")
    assert (ran.code, ran.json["traffic"]) == (0, {"green": 100})


def test_the_model_is_one_for_mlflow(tmp_path: Path) -> None:
    """The example's MLflow model is loaded as its MLmodel says."""
    import sys

    import yaml

    model = yaml.safe_load((PLANS / "mlflow/model/MLmodel").read_text(encoding="utf-8"))
    flavour = model["flavors"]["python_function"]
    shutil.copytree(PLANS / "mlflow/model" / flavour["code"], tmp_path / "code")
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(tmp_path / "code"))
        loaded = __import__(flavour["loader_module"])._load_pyfunc(str(tmp_path))
        sys.modules.pop(flavour["loader_module"])
    assert loaded.predict({"area_m2": 100.0, "rooms": 4}) == pytest.approx(364788.94, abs=0.1)
