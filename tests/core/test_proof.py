"""Declared fields against live ones: proven, different, or it cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.core.observed import Deployment
from rollout.core.proof import Proof, prove, unprovable
from rollout.core.release import DeploymentSpec
from rollout.core.stamp import deployment_tags

DECLARED = {"model": "azureml:m:1", "code": "azureml:c:1", "instance_type": "standard_ds3_v2"}


def spec(**fields: Any) -> DeploymentSpec:
    """A file that declares those fields, `__` for a dot."""
    return DeploymentSpec(revision="r", fields={key.replace("__", "."): value for key, value in fields.items()})


def live(contents: Any = None, **fields: Any) -> Deployment:
    """A live deployment with those fields."""
    said = {key.replace("__", "."): value for key, value in fields.items()}
    return Deployment(name="blue", state="Succeeded", count=1, fields=said, contents=contents or {})


@pytest.mark.parametrize(
    ("declared", "there", "shown"),
    [
        (DECLARED, DECLARED, Proof.PROVEN),
        (DECLARED, {**DECLARED, "model": "azureml:m:2"}, Proof.DIFFERENT),
        (DECLARED, {**DECLARED, "environment_variables__A": "1"}, Proof.PROVEN),
        ({**DECLARED, "environment_variables__A": "1"}, DECLARED, Proof.DIFFERENT),
        ({**DECLARED, "model": "sha256:00"}, DECLARED, Proof.UNKNOWN),
        ({**DECLARED, "model": "azureml:m@latest"}, DECLARED, Proof.UNKNOWN),
        ({**DECLARED, "model": "azureml://jobs/j/outputs/m"}, DECLARED, Proof.UNKNOWN),
        ({**DECLARED, "environment__image": "i:1"}, DECLARED, Proof.UNKNOWN),
        ({**DECLARED, "app_insights_enabled": False}, DECLARED, Proof.PROVEN),
        ({**DECLARED, "app_insights_enabled": True}, {**DECLARED, "app_insights_enabled": False}, Proof.DIFFERENT),
        ({**DECLARED, "model": "sha256:00", "instance_type": "other"}, DECLARED, Proof.DIFFERENT),
        ({**DECLARED, "environment__image": "registry/versions/2"}, DECLARED, Proof.UNKNOWN),
        ({}, DECLARED, Proof.UNKNOWN),
    ],
)
def test_what_is_shown(declared: dict[str, Any], there: dict[str, Any], shown: Proof) -> None:
    """One difference decides; what is not declared is not seen; local files and labels cannot be told."""
    assert prove(spec(**declared), live(**there)) is shown


def test_a_code_assets_hash_tells() -> None:
    """A local folder against the hash that the service keeps."""
    local = spec(**{**DECLARED, "code": "sha256:aa"})
    assert prove(local, live({"code": "sha256:aa"}, **DECLARED)) is Proof.PROVEN
    assert prove(local, live({"code": "sha256:bb"}, **DECLARED)) is Proof.DIFFERENT
    assert unprovable(local, live(**DECLARED)) == ("code",)


def test_our_tag_tells_about_local_parts() -> None:
    """A deployment of ours carries short digests of what was uploaded."""
    fields = {**DECLARED, "model": "sha256:aa"}
    tags = deployment_tags("r0", "b", fields)
    found = Deployment(name="blue", state="Succeeded", count=1, fields=DECLARED, tags=tags)
    assert prove(spec(**fields), found) is Proof.PROVEN
    assert prove(spec(**{**fields, "model": "sha256:bb"}), found) is Proof.DIFFERENT


def test_exactly() -> None:
    """A field that was removed from the file is a change, defaults and what is no part of a revision are not."""
    more = {**DECLARED, "liveness_probe__period": 10, "description": "x", "tags": {"a": "b"}, "scoring_script": ""}
    assert prove(spec(**DECLARED), live(**more), exact=True) is Proof.PROVEN
    assert prove(spec(**DECLARED), live(**more, environment_variables__A="1"), exact=True) is Proof.DIFFERENT
    less = {path: value for path, value in DECLARED.items() if path != "code"}
    assert prove(spec(**less), live(**DECLARED), exact=True) is Proof.DIFFERENT


def test_what_the_service_or_somebody_else_adds_is_no_change() -> None:
    """Properties of others, and the name that the SDK makes up for where collected data goes."""
    added = {"properties__team": "ml", "data_collector__collections__inputs__data__name": "made-up"}
    assert prove(spec(**DECLARED), live(**DECLARED, **added), exact=True) is Proof.PROVEN


def test_without_our_tag_no_part_is_known_to_be_lost() -> None:
    """The id of an asset does not show what was uploaded."""
    assert prove(spec(**{**DECLARED, "model": "sha256:00"}), live(**DECLARED), exact=True) is Proof.UNKNOWN


def test_a_part_that_was_removed_is_a_change() -> None:
    """An inline environment without its conda file is another one, though every declared field agrees."""
    whole = {**DECLARED, "environment.image": "i:1", "environment.conda_file": "sha256:cc"}
    shown = {**DECLARED, "environment": "azureml:made:1"}
    found = Deployment(name="b", state="Succeeded", count=1, fields=shown, tags=deployment_tags("r0", "b", whole))
    less = {path: value for path, value in whole.items() if path != "environment.conda_file"}
    assert prove(spec(**whole), found, exact=True) is Proof.PROVEN
    assert prove(spec(**less), found, exact=True) is Proof.DIFFERENT
    assert prove(spec(**shown), found, exact=True) is Proof.PROVEN


def test_what_is_not_ready_proves_nothing() -> None:
    """The service fills its defaults in at the end."""
    found = Deployment(name="blue", state="Updating", count=1, fields=DECLARED)
    assert prove(spec(**DECLARED), found) is Proof.UNKNOWN
