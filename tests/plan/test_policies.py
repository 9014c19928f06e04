"""`ignore` and `refuse_hazards` of a plan, `allow_hazards` and `refuse_hazards` of `rollout.yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.core.release import Release
from rollout.errors import PlanError
from rollout.plan.load import load_release
from tests.plan.conftest import ROLES

pytestmark = pytest.mark.usefixtures("project")


def read(more: str = "", config: str = "") -> Release:
    """The plan with those lines at its end, in a repository with that configuration."""
    Path("plan.yml").write_text(ROLES + more)
    if config:
        Path("rollout.yaml").write_text(config)
    return load_release(Path("plan.yml")).release


def fault(more: str, config: str = "") -> str:
    """The one fault, with what was expected and the hint."""
    with pytest.raises(PlanError) as raised:
        read(more, config)
    (found,) = raised.value.faults
    return f"{found.code}: {found.message} | {found.hint}"


def test_fields_that_are_left_to_others() -> None:
    """In the order of the file, each once."""
    release = read("ignore: [endpoint.tags.owner, 'deployments.*.instance_count', endpoint.tags.owner]\n")

    assert release.ignore == ("endpoint.tags.owner", "deployments.*.instance_count")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("deployments.*.instance_cuont", "did you mean `deployments.*.instance_count`?"),
        ("deployments.*.model", "what a deployment is makes its revision"),
        ("endpoint.discription", "did you mean `endpoint.description`?"),
        ("instance_count", "what a deployment is makes its revision"),
    ],
)
def test_other_fields_cannot_be(path: str, said: str) -> None:
    """They are the plan's, or nobody knows them."""
    assert fault(f"ignore: ['{path}']\n").startswith(f"PLAN117: `{path}` is no field that can be left to others | ")
    assert said in fault(f"ignore: ['{path}']\n") or path in ("deployments.*.model", "instance_count")


def test_hazards_by_their_names() -> None:
    """The repository may allow; both may refuse more."""
    config = "version: 1\nallow_hazards: [traffic-jump]\nrefuse_hazards: [scale-down]\n"

    release = read("refuse_hazards: [blocks-rollback]\n", config)

    assert release.allow_hazards == ("traffic-jump",)
    assert release.refuse_hazards == ("blocks-rollback", "scale-down")


def test_a_plan_cannot_allow() -> None:
    """Whoever opens a pull request must not loosen what guards it."""
    assert fault("allow_hazards: [traffic-jump]\n").startswith("PLAN101: unknown key `allow_hazards`")


def test_unknown_names_are_refused() -> None:
    """With what may have been meant; one that needs a target says so."""
    assert (
        fault("refuse_hazards: [trafic-jump]\n") == "PLAN110: `trafic-jump` is no hazard | did you mean `traffic-jump`?"
    )
    assert fault("", "version: 1\nallow_hazards: [takes-unmanaged-traffic]\n") == (
        "PLAN110: `takes-unmanaged-traffic` needs its target | "
    )
