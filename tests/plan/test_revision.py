"""The revision changes exactly when what the deployment *is* changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.core.revision import SERVER_DEFAULTS, canonical_json, digest, gate_digest, revision
from tests.plan.conftest import DEPLOYMENT, ROLES, Load

_FIELDS = st.dictionaries(
    st.sampled_from([*SERVER_DEFAULTS, "model", "environment.image", "environment_variables.A"]),
    st.one_of(
        st.text(max_size=5), st.integers(0, 9999), st.booleans(), st.sampled_from(list(SERVER_DEFAULTS.values()))
    ),
)


def test_golden_digests() -> None:
    """Digests live in endpoints' tags: an upgrade must not change one without a new algorithm version."""
    fields = {
        "model": "azureml:house:3",
        "instance_type": "standard_ds3_v2",
        "request_settings.request_timeout_ms": 3000,
    }
    assert revision(fields) == "1ed8ac36e804eeb5a521"
    assert revision({}) == "143e180cbfe0c197e0e3"
    assert gate_digest("bake", {"seconds": 60}) == "19e1b6de00ffd94dabfa"
    assert digest("gate", "é") == "11d90bd623c7fe6e0f67"


def test_what_has_no_value_is_not_declared() -> None:
    """As in the service's own answers."""
    assert revision({"model": "azureml:house:3", "scoring_script": None}) == revision({"model": "azureml:house:3"})


def test_any_text_has_a_digest_but_not_any_number() -> None:
    """Half of a surrogate pair is a text in YAML; what JSON has no word for is none in a plan."""
    assert digest("gate", "\ud800") != digest("gate", "\ud801")
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest("gate", float("nan"))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_FIELDS)
def test_form(fields: dict[str, Any]) -> None:
    """Twenty hex digits, the algorithm's version first."""
    found = revision(fields)
    assert (len(found), found[0], int(found, 16) >= 0) == (20, "1", True)


@given(_FIELDS, st.randoms())
def test_order_does_not_matter(fields: dict[str, Any], random: Any) -> None:
    """The same fields in another order are the same revision."""
    items = list(fields.items())
    random.shuffle(items)
    assert revision(dict(items)) == revision(fields)


@given(_FIELDS, st.sampled_from(sorted(SERVER_DEFAULTS)))
def test_a_declared_default_is_not_a_change(fields: dict[str, Any], key: str) -> None:
    """Declaring what the service assumes anyway is declaring nothing."""
    without = {name: value for name, value in fields.items() if name != key}
    assert revision({**without, key: SERVER_DEFAULTS[key]}) == revision(without)


@given(_FIELDS, st.text(max_size=5))
def test_another_value_is_another_revision(fields: dict[str, Any], value: str) -> None:
    """Any other model is another revision."""
    assert (revision({**fields, "model": value}) == revision(fields)) == (fields.get("model") == value)


def test_purposes_are_kept_apart() -> None:
    """The same value for two purposes gives two digests."""
    assert digest("revision", {}) != digest("gate", {})


def test_canonical_json() -> None:
    """Numbers that are equal are spelt equally; text stays text; what is no JSON is refused."""
    assert canonical_json({"b": 1.0, "a": (1, "1", 1.5, True, None)}) == '{"a":[1,"1",1.5,true,null],"b":1}'
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(float("nan"))


def revised(load: Load, project: Path, old: str = "", new: str = "") -> str:
    """The goal of the sample plan with one line of its deployment file changed."""
    assert old in DEPLOYMENT
    (project / "house/deployment.yml").write_text(DEPLOYMENT.replace(old, new) if old else DEPLOYMENT + new)
    return load(ROLES).release.goal


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("instance_count: 2", "instance_count: 5"),
        ("", "description: better\ntags: {a: b}\n"),
        ("", "request_settings: {request_timeout_ms: 5000, max_concurrent_requests_per_instance: 1}\n"),
        ("", "liveness_probe: {period: 10, timeout: 2}\napp_insights_enabled: false\ntype: managed\n"),
        ("", "egress_public_network_access: Enabled\n"),
        ("Standard_DS3_v2", "STANDARD_DS3_V2"),
        ("endpoint_name: house-prices", "name: green"),
    ],
)
def test_settings_names_and_defaults_are_not_the_revision(load: Load, project: Path, old: str, new: str) -> None:
    """Counts, tags, descriptions, names, case and declared defaults never start a run."""
    assert revised(load, project, old, new) == revised(load, project)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "request_settings: {request_timeout_ms: 3000}\n"),
        ("", "environment_variables: {A: 1}\n"),
        ("", "readiness_probe: {period: 5}\n"),
        ("", "model_mount_path: /var/models\n"),
        ("", "data_collector: {collections: {model_inputs: {enabled: 'True'}}}\n"),
        ("Standard_DS3_v2", "Standard_F4s_v2"),
        ("ubuntu22.04:latest", "ubuntu22.04:20260101"),
        ("path: model/", "path: model/\n  version: 4"),
    ],
)
def test_what_it_is_is_the_revision(load: Load, project: Path, old: str, new: str) -> None:
    """Every field that makes up the deployment gives another revision."""
    assert revised(load, project, old, new) != revised(load, project)


@pytest.mark.parametrize("name", ["code/score.py", "model/model.json", "conda.yml"])
def test_a_changed_byte_is_a_new_revision(load: Load, project: Path, name: str) -> None:
    """Local code, model and conda files enter by content, never by date."""
    file = project / "house" / name
    before = load(ROLES).release.goal
    os.utime(file, (1, 1))
    assert load(ROLES).release.goal == before
    file.write_bytes(file.read_bytes() + b"#")
    assert load(ROLES).release.goal != before


def test_moving_the_project_is_no_change(load: Load, project: Path) -> None:
    """The revision depends on what the files hold, not on where the repository lies."""
    before = load(ROLES).release.goal
    (project / "house").rename(project / "elsewhere")
    assert load(ROLES.replace("house/", "elsewhere/")).release.goal == before
