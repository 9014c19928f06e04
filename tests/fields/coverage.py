"""Every field that a file can declare, from the shapes that `validate` checks files against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollout.plan.az_shapes import COLLECTION, DEPLOYMENT, ENDPOINT, Shape

_SPELLED: Final = {"code_configuration.code": "code", "code_configuration.scoring_script": "scoring_script"}
"""Fields that the diff calls otherwise than the file."""


def paths(of: str) -> Iterator[str]:
    """The paths of all fields of an endpoint's or a deployment's file, as the diff names them."""
    shapes: Mapping[str, Shape] = ENDPOINT if of == "endpoint" else DEPLOYMENT
    for key, shape in shapes.items():
        for path in _paths(key, shape):
            yield _SPELLED.get(path, path).replace("nvidia.com/gpu", "gpu")


def _paths(path: str, shape: Any) -> Iterator[str]:
    if shape == "collections":
        for key, inner in COLLECTION.items():
            yield from _paths(f"{path}.inputs.{key}", inner)
    elif isinstance(shape, tuple) and isinstance(shape[-1], Mapping) and path.split(".")[0] == "data_collector":
        yield from _paths(path, shape[-1])
    elif isinstance(shape, Mapping) and path.split(".")[0] not in ("model", "environment", "identity"):
        for key, inner in shape.items():
            yield from _paths(f"{path}.{key}", inner)
    else:
        yield path
