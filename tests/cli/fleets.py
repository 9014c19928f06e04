"""A small fleet on the emulator of these tests: nothing scores, every stage passes at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

TEMPLATE: Final = """\
version: 1
name: {name}
endpoint: {{auth_mode: key}}
candidate:
  model: {{path: model.txt}}
  code_configuration: {{code: src, scoring_script: score.py}}
  environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages:
  - deploy: candidate
  - traffic: 100
"""
HAZARD: Final = ("--allow-hazard", "ungated-traffic")


def write_fleet(folder: Path, name: str, models: str = "v1", extra: str = "") -> Path:
    """Waves `one` with a member, `two` with two of them; `models`: of each wave, or of both. Everything lies in
    `folder`, the fleet as `NAME.fleet.yml`."""
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src" / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (folder / "model.txt").write_text("v1")
    (folder / f"{name}.template.yml").write_text(TEMPLATE.format(name=name))
    first, _, second = models.partition(" ")
    waves = []
    for wave, model, ends in (("one", first, "a"), ("two", second or first, "bc")):
        (folder / f"{model}.txt").write_text(model)
        patch = f"set: {{candidate: {{model: {{path: {model}.txt}}}}}}"
        members = "".join(f"      - {{name: {name}-{end}, {patch}}}\n" for end in ends)
        waves.append(f"  - name: {wave}\n    members:\n{members}")
    path = folder / f"{name}.fleet.yml"
    head = f"version: 1\nkind: fleet\nname: {name}\ntemplate: {name}.template.yml\n{extra}"
    path.write_text(f"{head}waves:\n{''.join(waves)}")
    return path


def states(found: Any) -> dict[str, list[str]]:
    """Of each wave: how its members stand."""
    return {wave["name"]: [one["state"] for one in wave["members"]] for wave in found["waves"]}


def read(path: Path) -> Any:
    """A document in a file."""
    return json.loads(path.read_text())
