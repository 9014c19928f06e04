"""Which file says which value of a plan: for `validate --show-origins`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rollout.plan.layers import PlanFile
from rollout.plan.positions import leaves, locate, show

_SECRET: Final = re.compile(
    r"secret|token|password|passwd|credential|connection_?string|api_?key|_key$|^key$", re.IGNORECASE
)


class Origin(msgspec.Struct, frozen=True, gc=False):
    """One value, the place that says it, and the variables in it with where their values come from."""

    path: str
    value: Any
    file: str
    line: int
    column: int
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        used = "".join(f", {variable}" for variable in self.variables)
        return f"{self.path} = {json.dumps(self.value, ensure_ascii=False)}  ({self.file}:{self.line}{used})"


def origins(plan: PlanFile) -> Iterator[Origin]:
    """Every value of the plan as it counts, in its order."""
    for path, value in leaves(plan.data):
        layer, inside = plan.where(path)
        line, column = locate(layer.source.root, inside) if layer.source.root is not None else (0, 0)
        used = tuple(f"${{{one.name}}} from {one.origin}" for one in layer.used.get(inside, ()))
        secret = isinstance(value, str) and bool(path) and bool(_SECRET.search(str(path[-1])))
        shown = "(not shown)" if secret else value
        yield Origin(show(path), shown, layer.source.file, line, column, used)
