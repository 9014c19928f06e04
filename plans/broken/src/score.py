"""A scoring script with a fault that no smoke test of ours sees: a new building takes the whole container down.

It stands for native code that reads beyond its table: such a crash leaves no exception, only a dead container. The
service starts it again, and the next new building takes it down again.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

model: dict[str, Any] = {}


def init() -> None:
    """Load the model. It takes its time, as big models do, so that every crash is felt."""
    path = next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.json"))
    model.update(json.loads(path.read_text(encoding="utf-8")))
    time.sleep(float(os.environ.get("STARTUP_SECONDS", "1.5")))
    logging.info("model %s %s loaded", model["name"], model["version"])


def run(raw_data: str) -> dict[str, Any]:
    """Prices in euros for the houses in `data`, in their order, as long as none of them is new."""
    houses = json.loads(raw_data)["data"]
    if any(house["age_years"] < 1 for house in houses):
        logging.error("a new building: reading before the start of the age table")
        crash()
    return {"version": model["version"], "predictions": [round(price(house), 2) for house in houses]}


def price(house: dict[str, float]) -> float:
    """The price of one house in euros."""
    return sum(weight * {"one": 1.0, **house}[name] for name, weight in model["coefficients"].items())


def crash() -> None:
    """End the container at once: its server process and this worker."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
