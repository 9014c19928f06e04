"""The Rego of docs/policy.md, on change sets as `diff --out` writes them, by a maintained interpreter."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest
from regopy import Interpreter  # type: ignore[import-untyped]

from rollout.render.document import Document
from rollout.render.saved import encode
from tests.render.worlds import about_to_start, converged, hazardous, told

PAGE: Final = (Path(__file__).parents[2] / "docs/policy.md").read_text(encoding="utf-8")
(REGO,) = re.findall(r"```rego\n(.+?)```", PAGE, re.DOTALL)
NOT_APPROVED: Final = "green: the model azureml:m:v2 is not from the registry `approved`"
JUMP: Final = "traffic-jump: green gets 100 % at once, 10 % before"


def denied(document: Document) -> set[str]:
    """What the policy says against it."""
    rego = Interpreter()
    rego.add_module("rollout", REGO)
    rego.set_input_term(encode(document))
    (found,) = json.loads(str(rego.query("data.rollout.deny")))["expressions"]
    return set(found)


@pytest.mark.parametrize(
    ("document", "messages"),
    [
        (told(converged()), set()),
        (told(about_to_start()), {NOT_APPROVED, JUMP}),
        (
            told(hazardous()),
            {NOT_APPROVED, JUMP, "auth-change: the endpoint's auth_mode changes from key to aml_token"},
        ),
    ],
    ids=["converged", "about to start", "hazardous"],
)
def test_what_it_denies(document: Document, messages: set[str]) -> None:
    """Each rule by its sentence; nothing to do, nothing denied."""
    assert denied(document) == messages
