"""What the service would refuse about an `az ml` file although each of its values is of the right kind. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollout.errors import Fault
from rollout.plan import positions
from rollout.plan.documents import Document, is_local, value_at

_REFERENCES: Final[tuple[positions.Path, ...]] = (
    ("model",),
    ("model", "path"),
    ("environment",),
    ("code_configuration", "code"),
)
_TO_FILL_IN: Final = re.compile(r"<[^<>]*>")
"""How templates mark what somebody has to fill in. No name, version or id may hold these characters."""
_USER_ASSIGNED: Final = re.compile(r"^/subscriptions/.+/userAssignedIdentities/[^/]+$", re.IGNORECASE)
_NO_VERSION: Final = re.compile(r"azureml:[^:/@]+\Z")


def check_references(document: Document) -> Iterator[Fault]:
    """References to registered assets that cannot be any: placeholders, no version, no prefix."""
    for path in _REFERENCES:
        value = value_at(document.data, path)
        if isinstance(value, str) and value and (not is_local(value) or path == ("environment",)):
            yield from _reference(document, path, value)


def _reference(document: Document, path: positions.Path, value: str) -> Iterator[Fault]:
    expected = "`azureml:NAME:VERSION`, `azureml:NAME@LABEL` or an ARM or registry id"
    if found := _TO_FILL_IN.search(value):
        hint = f"fill in what `{found[0]}` stands for"
        yield document.fault("PLAN312", path, f"`{value}` is not a reference yet", expected=expected, hint=hint)
    elif _NO_VERSION.match(value):
        yield document.fault("PLAN312", path, f"`{value}` names no version", expected=expected, hint=f"`{value}:1`?")
    elif is_local(value) and not value.startswith("/subscriptions/"):
        kind = str(path[0])
        hint = f"`azureml:{value}`?" if ":" in value else ""
        message = f"`{value}` is not a reference to a registered {kind}"
        yield document.fault("PLAN312", path, message, expected=expected, hint=hint)


def check_identity(document: Document) -> Iterator[Fault]:
    """User-assigned identities are named by their ARM ids, and there is one where the type says so."""
    identity = document.data.get("identity")
    if not isinstance(identity, Mapping):
        return
    expected = "`/subscriptions/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME`"
    listed = identity.get("user_assigned_identities")
    ids = listed if isinstance(listed, list) else []
    for index, item in enumerate(ids):
        said = item.get("resource_id") if isinstance(item, Mapping) else item
        if isinstance(said, str) and not _USER_ASSIGNED.search(said):
            at = ("identity", "user_assigned_identities", index)
            path = (*at, "resource_id") if isinstance(item, Mapping) else at
            yield document.fault("PLAN312", path, f"`{said}` is not the id of an identity", expected=expected)
    if "user" in str(identity.get("type")).lower() and not ids:
        message = "no user-assigned identity is named"
        yield document.fault("PLAN102", ("identity", "user_assigned_identities"), message, expected=expected)


def check_content(document: Document) -> Iterator[Fault]:
    """A deployment without a model and without an environment has nothing to run."""
    if not document.data.get("model") and not document.data.get("environment"):
        yield document.fault(
            "PLAN102",
            ("model",),
            "the deployment has neither `model` nor `environment`: there is nothing to run",
            expected="`model` (MLflow and Triton models need nothing else) or `environment`",
            hint="what `az ml … --set model=…` gives stands in the plan: {file: …, set: {model: …}}",
        )


def check_computes(endpoint: Document, deployment: Document) -> Iterator[Fault]:
    """Kubernetes deployments belong to Kubernetes endpoints, managed ones to managed."""
    wanted = "kubernetes" if endpoint.data.get("compute") else "managed"
    said: Any = deployment.data.get("type")
    found = said.lower() if isinstance(said, str) else "managed"
    if found != wanted and found in ("kubernetes", "managed"):
        of_endpoint = "has a `compute`" if wanted == "kubernetes" else "has no `compute`"
        yield deployment.fault(
            "PLAN311",
            ("type",),
            f"a {found} deployment cannot live on this endpoint, which {of_endpoint}",
            expected=f"`type: {wanted}`",
            hint="" if wanted == "kubernetes" else "name the cluster in the endpoint's file: `compute: azureml:NAME`",
        )
