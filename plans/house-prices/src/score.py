"""Scoring script of the sample: tells the price of houses by a linear model, `model.json` in the model's folder."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("area_m2", "rooms", "age_years", "distance_km")
DERIVED: Mapping[str, Callable[[Mapping[str, NDArray[np.float64]]], NDArray[np.float64]]] = {
    "one": lambda house: np.ones_like(house["area_m2"]),
    "age_years^2": lambda house: house["age_years"] ** 2,
    "area_m2/(1+distance_km)": lambda house: house["area_m2"] / (1 + house["distance_km"]),
}

model: dict[str, Any] = {}


def init() -> None:
    """Load the model, once, when the container starts."""
    path = next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.json"))
    model.update(json.loads(path.read_text(encoding="utf-8")))
    logging.info("model %s %s loaded from %s", model["name"], model["version"], path)


def run(raw_data: str) -> dict[str, Any]:
    """Prices in euros for the houses in `data`, in their order."""
    houses = json.loads(raw_data)["data"]
    columns = {name: np.array([house[name] for house in houses], dtype=float) for name in COLUMNS}
    features = {**columns, **{name: derive(columns) for name, derive in DERIVED.items()}}
    prices = sum(weight * features[name] for name, weight in model["coefficients"].items())
    logging.info("model %s: %d houses priced", model["version"], len(houses))
    return {"version": model["version"], "predictions": [round(float(price), 2) for price in prices]}
