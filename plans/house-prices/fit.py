"""Fit the sample models: house prices by least squares, from data that this script makes (seeded, so repeatable).

Run `python plans/house-prices/fit.py` to write `models/v1`, `v2`, `v3` and the unusable `in-thousands`. Each is a
`model.json` with the names of its features, their coefficients, and how well it does on houses it has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Table = Mapping[str, NDArray[np.float64]]

SEED = 20_261_122
HOUSES = 2_000
FEATURES: Mapping[str, Callable[[Table], NDArray[np.float64]]] = {
    "one": lambda houses: np.ones_like(houses["area_m2"]),
    "area_m2": lambda houses: houses["area_m2"],
    "rooms": lambda houses: houses["rooms"],
    "age_years": lambda houses: houses["age_years"],
    "distance_km": lambda houses: houses["distance_km"],
    "age_years^2": lambda houses: houses["age_years"] ** 2,
    "area_m2/(1+distance_km)": lambda houses: houses["area_m2"] / (1 + houses["distance_km"]),
}
RELEASES: Mapping[str, tuple[str, ...]] = {
    "v1": ("one", "area_m2", "rooms"),
    "v2": ("one", "area_m2", "rooms", "age_years", "distance_km"),
    "v3": tuple(FEATURES),
}


def make_houses(seed: int, count: int) -> tuple[Table, NDArray[np.float64]]:
    """Houses and what they were sold for, in euros: old and new ones are dear, the centre is dearer, luck is luck."""
    dice = np.random.default_rng(seed)
    houses = {
        "area_m2": dice.uniform(35, 220, count).round(),
        "rooms": dice.integers(1, 8, count).astype(float),
        "age_years": dice.uniform(0, 110, count).round(),
        "distance_km": dice.gamma(2.0, 4.0, count).round(1),
    }
    price = (
        60_000
        + 1_900 * houses["area_m2"]
        + 6_000 * houses["rooms"]
        - 2_600 * houses["age_years"]
        + 21 * houses["age_years"] ** 2
        + 9_000 * houses["area_m2"] / (1 + houses["distance_km"])
    )
    return houses, price * dice.normal(1.0, 0.05, count)


def design(houses: Table, features: Sequence[str]) -> NDArray[np.float64]:
    """The design matrix: a row for each house, a column for each feature."""
    return np.column_stack([FEATURES[name](houses) for name in features])


def fit(features: Sequence[str], unit: float = 1.0) -> dict[str, object]:
    """Least squares on one half of the houses, the error measured on the other. `unit` is what a price is told in."""
    houses, price = make_houses(SEED, HOUSES)
    matrix, half = design(houses, features), HOUSES // 2
    solution, *_ = np.linalg.lstsq(matrix[:half], price[:half] / unit, rcond=None)
    error = float(np.abs(matrix[half:] @ solution - price[half:] / unit).mean())
    coefficients = {name: round(float(value), 4) for name, value in zip(features, solution, strict=True)}
    return {"coefficients": coefficients, "mean_absolute_error": round(error, 2)}


def write(folder: Path, version: str, model: Mapping[str, object]) -> None:
    """Write one `model.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"name": "house-prices", "version": version, **model}, indent=2)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Fit and write all of them."""
    here = Path(__file__).parent
    for version, features in RELEASES.items():
        write(here / "models" / version, version, fit(features))
    write(here.parent / "broken" / "models" / "in-thousands", "v2", fit(RELEASES["v2"], unit=1_000.0))


if __name__ == "__main__":
    main()
