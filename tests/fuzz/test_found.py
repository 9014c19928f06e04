"""Everything that fuzzing has found stays mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fuzz.target import spelt
from tests.fuzz.targets import TARGETS

FOUND: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("found.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("found", FOUND, ids=lambda found: f"{found['target']}: {found['fault']}"[:60])
def test_it_is_mended(found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The input ends as it should."""
    monkeypatch.chdir(tmp_path)
    given = found["input"]
    data = given.encode() if isinstance(given, str) else spelt(given)
    assert TARGETS[found["target"]].trial(data) == found["now"]
