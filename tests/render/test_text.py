"""What people and programs read, whole: each form of each situation is a file below `golden/`.

Made anew with `ROLLOUT_GOLDEN=write`. The main situations: a first release, at 10 % in a bake, a gate failed and
rolled back, held by a person, drift only, a hazard refused, in sync, a list of faults, no result, many passes, a fleet.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

from rollout.render.document import Document
from rollout.render.forms import rendered
from tests.render import worlds

GOLDEN = Path(__file__).parent / "golden"
DOCUMENTS = worlds.documents()
SUFFIXES = {
    "text": "txt",
    "markdown": "md",
    "sarif": "sarif",
    "junit": "junit.xml",
    "prometheus": "prom",
    "github-annotations": "annotations.txt",
    "github-output": "output.txt",
    "azure-devops-annotations": "azure.txt",
    "azure-devops-output": "azure-output.txt",
}
MACHINES = (
    "about_to_start",
    "gate_failed",
    "hazardous",
    "drifted",
    "fault_list",
    "no_result",
    "many_passes",
    "a_fleet",
    "a_fleet_to_come",
)


def is_golden(text: str, name: str) -> bool:
    """Whether that file says the same; written first where that is asked for."""
    path = GOLDEN / name
    text = re.sub(r'("semanticVersion": ")[^"]*', r"\g<1>0.0.0", text)  # whatever is installed here
    if os.environ.get("ROLLOUT_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    return text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_people_read_is_the_golden_text(name: str, form: str) -> None:
    """Every word of it."""
    assert is_golden(rendered(DOCUMENTS[name], form), f"{name}.{SUFFIXES[form]}")


@pytest.mark.parametrize("form", [form for form in SUFFIXES if form not in ("text", "markdown")])
@pytest.mark.parametrize("name", MACHINES)
def test_what_programs_read_is_the_golden_text(name: str, form: str) -> None:
    """Every character of it."""
    assert is_golden(rendered(DOCUMENTS[name], form), f"{name}.{SUFFIXES[form]}")


@pytest.mark.parametrize("name", [name for name, found in DOCUMENTS.items() if isinstance(found, Document)])
def test_the_text_of_a_status_is_the_golden_one(name: str) -> None:
    """It shows deployments and history instead of changes."""
    document = DOCUMENTS[name]
    assert isinstance(document, Document)
    shown = rendered(msgspec.structs.replace(document, command="status"), "text")
    assert is_golden(shown, f"{name}.status.txt")
