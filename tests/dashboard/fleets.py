"""A fleet before the dashboard's emulator: four shops in three waves, the first of them at 10 %."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.cli.fleets import HAZARD
from tests.dashboard.bench import Site

_SHOP: Final = """\
version: 1
name: shop
endpoint: {{auth_mode: key}}
candidate:
  model: {{path: {model}.txt}}
  code_configuration: {{code: src, scoring_script: score.py}}
  environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages:
  - deploy: candidate
{gate}  - traffic: 100
"""
_GATE: Final = "  - traffic: 10\n  - {name: ok, approval: Is it good?}\n"
_FLEET: Final = """\
version: 1
kind: fleet
name: shop
template: shop.template.yml
max_in_flight: 2
error_budget: 1
waves:
  - name: canary
    members:
      - {name: shop-lu}
  - name: west
    members:
      - {name: shop-nl}
      - {name: shop-be}
  - name: south
    after: [canary]
    members:
      - {name: shop-es}
"""
MEMBERS: Final = ("shop-lu", "shop-nl", "shop-be", "shop-es")


def write(site: Site, model: str, gate: str = _GATE) -> Path:
    """The fleet with that model."""
    site.write("shop", model).unlink()  # for the model and its script
    (site.folder / "shop.template.yml").write_text(_SHOP.format(model=model, gate=gate))
    path = site.folder / "shop.fleet.yml"
    path.write_text(_FLEET)
    return path


@contextmanager
def shop(site: Site) -> Iterator[Path]:
    """`v1` serves everywhere; `v2` is at 10 % in the first wave, and the two others wait for it."""
    path = write(site, "v1", "")
    assert site.rollout("apply", path, "--auto-approve", "--wait", *HAZARD) == 0
    write(site, "v2")
    assert site.rollout("apply", path, "--auto-approve") == 0
    try:
        yield path
    finally:
        site.rollout("destroy", path, "--yes")
        path.unlink(missing_ok=True)
        (site.folder / "shop.template.yml").unlink()
