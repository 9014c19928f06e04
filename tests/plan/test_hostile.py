"""Whatever stands in a plan or in the files that it names: a release or faults, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.errors import PlanError
from rollout.plan.load import load_release
from tests.plan.conftest import DEPLOYMENT, ENDPOINT, ROLES, Load
from tests.plan.test_forms import FULL, LITERAL

_JUNK: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 200),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(
            ["", "candidate", "stable", "blue", "house", "azureml:x:1", "\0", "x" * 300, "../..", "{{x}}", "ü"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["deploy", "file", "path", "blue", "name", "set", "for", "zz"]), inner, max_size=2
        ),
    ),
    max_leaves=4,
)
_UNHURRIED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in plain data."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths(item, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """The data with the value at one place replaced."""
    if not path:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], junk)
    return copy


def never_raises(text: str) -> None:
    """Load it; faults must be complete and lie within their files."""
    Path("plan.yml").write_text(text)
    try:
        assert load_release(Path("plan.yml")).release.goal
    except PlanError as error:
        faults = error.faults
    else:
        return
    assert faults
    for fault in faults:
        lines = Path(fault.file).read_text().splitlines() if Path(fault.file).is_file() else []
        assert 0 <= fault.line <= len(lines) + 1
        assert fault.message
        assert "pydantic" not in str(fault)


@_UNHURRIED
@given(data=st.data(), plan=st.sampled_from([FULL, LITERAL]))
def test_junk_anywhere_in_a_plan(project: Path, data: st.DataObject, plan: str) -> None:
    """Any value of a good plan replaced by anything."""
    tree = yaml.safe_load(plan)
    for _ in range(data.draw(st.integers(1, 2))):
        tree = replaced(tree, data.draw(st.sampled_from(paths(tree))), data.draw(_JUNK))
    never_raises(yaml.safe_dump(tree))


@_UNHURRIED
@given(data=st.data(), name=st.sampled_from(["endpoint", "deployment"]))
def test_junk_anywhere_in_an_az_file(project: Path, data: st.DataObject, name: str) -> None:
    """Any value of a good `az ml` file replaced by anything."""
    more = "identity: {type: user_assigned, user_assigned_identities: [{resource_id: /a}]}\n"
    text = {"endpoint": ENDPOINT + more, "deployment": DEPLOYMENT + "tags: {a: b}\nenvironment_variables: {A: b}\n"}[
        name
    ]
    tree = yaml.safe_load(text)
    file = Path(f"house/{name}.yml")
    file.write_text(yaml.safe_dump(replaced(tree, data.draw(st.sampled_from(paths(tree))), data.draw(_JUNK))))
    never_raises(ROLES)


@_UNHURRIED
@given(st.text(max_size=200))
def test_any_text_at_all(project: Path, text: str) -> None:
    """A plan file of any text that can be written."""
    never_raises(text.encode("utf-8", "replace").decode())


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b", "/", ".", "//", "~", "plan.yml"])
def test_strange_paths(project: Path, path: str) -> None:
    """Paths that no file system takes, folders, and the plan itself."""
    never_raises(ROLES.replace("house/deployment.yml", json.dumps(path)))
    never_raises(ROLES.replace("house/deployment.yml", "{file: house/deployment.yml, set: {code_configuration: {code: "
                               + json.dumps(path) + "}}}"))  # fmt: skip
    never_raises(
        ROLES.replace("- deploy: candidate", "- deploy: candidate\n  - smoke_test: [" + json.dumps(path) + "]")
    )


def test_a_file_that_cannot_be_read(project: Path, load: Load) -> None:
    """A dangling link among the code is found before anything is deployed."""
    (project / "house/code/data.csv").symlink_to(project / "nowhere")
    with pytest.raises(PlanError, match=r"PLAN306: cannot read `.*nowhere`: No such file or directory"):
        load(ROLES)


def test_secrets_do_not_matter_to_the_loader(load: Load) -> None:
    """A long line in a snippet is cut, so that a fault never prints a whole pasted credential blob."""
    with pytest.raises(PlanError) as caught:
        load(ROLES.replace("traffic: 10\n", "traffic: [" + "x" * 4000 + "]\n"))
    assert max(len(fault.snippet) for fault in caught.value.faults) < 260
