"""The sample plans as files: they load, and their models are what the committed script fits."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from rollout.plan.load import load_release

PLANS = Path(__file__).parents[3] / "plans"


@pytest.mark.parametrize("plan", sorted(path.name for path in PLANS.glob("*.rollout.yml")))
def test_sample_plans_load(plan: str) -> None:
    """Every sample plan is valid, belongs to an endpoint of its own, and ends with all traffic."""
    release = load_release(PLANS / plan).release
    assert release.name == plan.removesuffix(".rollout.yml")
    assert [stage.name for stage in release.stages if stage.name == "traffic-100"] == ["traffic-100"]


def fitting() -> ModuleType:
    """The script that fitted the models, as a module."""
    spec = importlib.util.spec_from_file_location("fit", PLANS / "house-prices/fit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_models_are_what_the_script_fits() -> None:
    """Fitting again gives the committed coefficients; each release is better than the one before."""
    fit = fitting()
    errors = []
    for version, features in fit.RELEASES.items():
        path = PLANS / "house-prices/models" / version / "model.json"
        committed = json.loads(path.read_text(encoding="utf-8"))
        again = fit.fit(features)
        assert committed["coefficients"] == pytest.approx(again["coefficients"], rel=1e-6, abs=1e-3)
        errors.append(committed["mean_absolute_error"])
    assert errors == sorted(errors, reverse=True)
    assert len(set(errors)) == 3
