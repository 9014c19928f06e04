"""The stages as a mermaid flowchart: what is done, what is being done, what comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rollout.core.decision import StageState
from rollout.render import harmless, words
from rollout.render.document import Stage

MOST: Final = 24
"""Stages of one picture: more of them cannot be read."""
_LOOKS: Final = (
    "classDef satisfied fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "classDef active fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:3px",
    "classDef pending fill:#f6f8fa,stroke:#59636e,color:#1f2328",
    "classDef skipped fill:#ffffff,stroke:#d1d9e0,color:#59636e,stroke-dasharray:4",
    "classDef failed fill:#ffebe9,stroke:#d1242f,color:#1f2328,stroke-width:3px",
)
_MUTATIONS: Final = frozenset({"deploy", "mirror", "traffic", "scale", "delete"})


def timeline(stages: Sequence[Stage]) -> str:
    """A fenced mermaid block; "" without stages. Mutations are boxes, gates are round."""
    if not stages:
        return ""
    first = _first(stages)
    shown = stages[first : first + MOST]
    nodes = [_node(at, stage) for at, stage in enumerate(shown, first)]
    nodes = [*_more("before", first), *nodes, *_more("after", len(stages) - first - len(shown))]
    chain = " --> ".join(nodes)
    return "\n".join(("```mermaid", "flowchart LR", f"  {chain}", *(f"  {look}" for look in _LOOKS), "```"))


def _first(stages: Sequence[Stage]) -> int:
    """Where the picture begins: a few stages before the one that matters now."""
    states = (StageState.ACTIVE, StageState.FAILED)
    at = next((index for index, stage in enumerate(stages) if stage.state in states), 0)
    return max(0, min(at - MOST // 4, len(stages) - MOST))


def _node(at: int, stage: Stage) -> str:
    text = f"{words.SYMBOLS[stage.state]} {harmless.label(stage.label)}"
    shape = f'["{text}"]' if stage.kind in _MUTATIONS else f'(["{text}"])'
    return f"s{at}{shape}:::{stage.state.value}"


def _more(where: str, count: int) -> Iterator[str]:
    if count > 0:
        yield f'{where}["… {count} more"]:::pending'
