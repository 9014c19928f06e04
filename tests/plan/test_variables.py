"""`rollout.yaml` and `${NAME}`: declared names only, never silently empty, every value with its origin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.errors import PlanError
from rollout.plan.load import LoadedPlan, Target, load_release
from rollout.plan.variables import Used
from tests.plan.conftest import DEPLOYMENT, ENDPOINT, ROLES, Load

Refused = Callable[[str], list[str]]
CONFIG = """\
version: 1
variables:
  TAG: "1.2"
  REPLICAS: {type: whole, default: 2, from_env: PLAN_REPLICAS, description: how many}
  LOGGED: {default: true, from_env: PLAN_LOGGED}
  WHERE: {from_env: PLAN_WHERE}
defaults:
  target: {subscription_id: s, resource_group: g, workspace: w}
reconcile: {interval: 10m}
"""
SET = ROLES.replace(
    "candidate: house/deployment.yml",
    "candidate: {file: house/deployment.yml, set: {instance_count: '${REPLICAS}', app_insights_enabled: '${LOGGED}',"
    " environment_variables: {TAG: 'v${TAG}-$${TAG}', W: '${WHERE}'}}}",
)


@pytest.fixture
def configured(project: Path) -> Path:
    """The project with a configuration."""
    (project / "rollout.yaml").write_text(CONFIG)
    return project


def loaded(text: str, **environment: str) -> LoadedPlan:
    """That plan with those environment variables."""
    Path("plan.yml").write_text(text)
    return load_release(Path("plan.yml"), environment=environment)


def faults(text: str, **environment: str) -> list[str]:
    """What is wrong with that plan."""
    with pytest.raises(PlanError) as caught:
        loaded(text, **environment)
    return [" | ".join(filter(None, (str(f), f.expected, f.hint))) for f in caught.value.faults]


def test_values_with_their_types_and_origins(configured: Path) -> None:
    """A whole number stays one, text is put together, `$${` is a literal, and everything says where it comes from."""
    found = loaded(SET, PLAN_WHERE="north", PLAN_REPLICAS="4", PLAN_LOGGED="")
    spec = found.release.candidate
    assert (spec.count, spec.fields["app_insights_enabled"]) == (4, True)
    assert spec.fields["environment_variables.TAG"] == "v1.2-${TAG}"
    assert spec.fields["environment_variables.W"] == "north"
    assert found.variables == (
        Used("LOGGED", True, "rollout.yaml:5"),
        Used("REPLICAS", 4, "environment variable PLAN_REPLICAS"),
        Used("TAG", "1.2", "rollout.yaml:3"),
        Used("WHERE", "north", "environment variable PLAN_WHERE"),
    )


def test_the_default_target(configured: Path) -> None:
    """A plan without a target has the repository's; its own wins."""
    default = Target(subscription_id="s", resource_group="g", workspace="w")
    assert loaded(ROLES).target == default
    own = ROLES + "target: {subscription_id: a, resource_group: b, workspace: c}\n"
    assert loaded(own).target == Target(subscription_id="a", resource_group="b", workspace="c")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("${TAGG}", ["PLAN109: name: the variable `TAGG` is not declared | one of LOGGED, REPLICAS, TAG, WHERE"
                     " | did you mean `TAG`?"]),
        ("${WHERE}", ["PLAN113: name: the variable `WHERE` has no value: the environment variable PLAN_WHERE is not set"
                      " | a value that is not empty"]),
        ("${TAG", ["PLAN109: name: `${TAG` is not a variable | `${NAME}` | write `$${` for a literal `${`"]),
        ("${{ github.token }}", ["PLAN109: name: `${{ github.token }` is not a variable | `${NAME}`"
                                 " | write `$${` for a literal `${`"]),
        ("${REPLICAS}", ["PLAN113: name: the environment variable PLAN_REPLICAS (`${REPLICAS}`) is not"
                         " a whole number"]),
    ],
)  # fmt: skip
def test_what_is_refused(configured: Path, name: str, lines: list[str]) -> None:
    """Undeclared, empty, unfinished and mistyped variables, each with its place."""
    found = faults(ROLES.replace("name: house-prices", f"name: '{name}'"), PLAN_REPLICAS="many")
    assert [line for line in found if "PLAN108" not in line] == [f"plan.yml:2:7: {line}" for line in lines]


def test_no_variable_in_a_key(configured: Path) -> None:
    """Only in scalar values."""
    text = ROLES.replace("house/deployment.yml", "{file: house/deployment.yml, set: {tags: {'${TAG}': x}}}")
    assert faults(text) == [
        "plan.yml:4:54: PLAN114: candidate.set.tags.${TAG}: `${TAG}` is a key: variables stand in values only"
    ]


def test_without_configuration_nothing_is_declared(project: Path, refused: Refused) -> None:
    """The hint says where to declare it."""
    assert refused(ROLES.replace("house/endpoint.yml", "'${FILE}.yml'"))[0] == (
        "plan.yml:3:11: PLAN109: endpoint: the variable `FILE` is not declared | a name below `variables:` in"
        " rollout.yaml | write `$${` for a literal `${`"
    )


def test_az_files_are_left_alone(configured: Path) -> None:
    """What `az ml` would read is what counts."""
    file = configured / "house/deployment.yml"
    file.write_text(DEPLOYMENT + "environment_variables: {A: '${TAG}'}\n")
    assert loaded(ROLES).release.candidate.fields["environment_variables.A"] == "${TAG}"


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ("variables: {9: x}", ["1:13: PLAN108: variables.9: `9` is not a name for a variable"
                               " | letters, digits and underscores"]),
        ("variables: {A: }", ["1:16: PLAN103: variables.A: this is not a value for a variable"
                              " | text of at most 1000 characters, a whole number, true or false"]),
        ("variables: {A: {from_env: MY_API_KEY}}", [
            "1:27: PLAN115: variables.A.from_env: `MY_API_KEY` is called like a secret"
            " | a variable that everybody may see | values of variables are shown in pull requests"]),
        ("variables: {A: {defalt: 1}}", ["1:17: PLAN101: variables.A.defalt: unknown key `defalt`"
                                         " | one of default, description, from_env, type | did you mean `default`?"]),
        ("varables: {}", ["1:1: PLAN101: varables: unknown key `varables`"
                          " | one of allow_hazards, defaults, environments, notifications, reconcile,"
                          " refuse_hazards, variables, version"
                          " | did you mean `variables`?"]),
        ("reconcile: {interval: 10}", ["1:23: PLAN104: reconcile.interval: `10` has no unit"
                                       " | a duration such as `90s`, `30m`, `1h30m`, `2d` or `PT30M`"
                                       " | did you mean `10s` or `10m`?"]),
        ("- a", ["1:1: PLAN012: the file is not a mapping | `variables:`, for example"]),
    ],
)  # fmt: skip
def test_a_wrong_configuration(project: Path, refused: Refused, config: str, lines: list[str]) -> None:
    """Its faults stand in the configuration, not in the plan."""
    (project / "rollout.yaml").write_text(config + "\n")
    assert refused(ROLES) == [f"rollout.yaml:{line}" for line in lines]


def test_a_default_of_another_type(project: Path) -> None:
    """Found where it is used."""
    (project / "rollout.yaml").write_text("variables: {N: {type: whole, default: two}}\n")
    assert faults(ROLES.replace("house-prices", "'${N}'", 1))[0] == (
        "plan.yml:2:7: PLAN113: name: the default of `N` is not a whole number"
    )


def test_found_upwards_to_the_repository(configured: Path) -> None:
    """The nearest one counts; nothing above `.git` does."""
    inner = configured / "team/plans"
    inner.mkdir(parents=True)
    (inner / "endpoint.yml").write_text(ENDPOINT)
    (inner / "deployment.yml").write_text("{model: 'azureml:m:1', environment: 'azureml:e:1', instance_type: a}")
    (inner / "plan.yml").write_text(ROLES.replace("house/", "") + "on_revert: full\n")
    assert load_release(inner / "plan.yml").target is not None
    (configured / "team/.git").mkdir()
    assert load_release(inner / "plan.yml").target is None


def test_a_plan_may_have_that_name(load: Load, project: Path) -> None:
    """A plan called `rollout.yaml` is not its own configuration."""
    (project / "rollout.yaml").write_text(ROLES)
    assert load_release(Path("rollout.yaml")).release.name == "house-prices"
