"""Requests to Resource Manager that are refused, or whose answers do not arrive."""

from __future__ import annotations

from typing import Final

from rollout.emulator.access import denied
from rollout.emulator.answers import Rejected, deployment_missing, invalid, plain, user_error
from rollout.emulator.faults import Drop, Effect, Fault, Garbage, Stale, Status, Torn
from rollout.emulator.policies import Policy
from rollout.emulator.policies import refusal as policy_refusal
from rollout.emulator.presets.preset import Known, Preset, refusal

_ENDPOINT: Final = r"/onlineEndpoints/[^/?]+\?"
_DEPLOYMENT: Final = r"/deployments/[^/?]+\?"
_WRITE: Final = "PUT|PATCH|DELETE"


def _plain(
    name: str,
    what: str,
    effect: Effect,
    *,
    method: str = ".*",
    path: str = "/onlineEndpoints",
    known: Known = "documented",
) -> Preset:
    return Preset(name=name, what=what, fault=Fault(effect=effect, method=method, path=path, name=name), known=known)


def _policy() -> Rejected:
    found = policy_refusal((Policy(name="deny-all"),), "/subscriptions/S/resourceGroups/G", "onlineEndpoints", "E", {})
    assert found is not None, "it denies everything"
    return found


REFUSALS: Final[tuple[Preset, ...]] = (
    refusal(
        "endpoint-name-taken",
        "the endpoint's name is taken in the region",
        "PUT",
        _ENDPOINT,
        user_error(
            400,
            "BadRequest",
            "The specified endpoint name '{name}' is not available. Endpoint names must be unique within the region. "
            "Please choose a different name and try again.",
            name="E",
        ),
    ),
    refusal(
        "endpoint-name-taken-older",
        "the same, in the older words",
        "PUT",
        _ENDPOINT,
        invalid(
            "There is already an endpoint with this name, Endpoint name needs to be unique within a region. Try some "
            "other name."
        ),
    ),
    refusal(
        "name-not-released",
        "an endpoint's name cannot be used again right after its deletion",
        "PUT",
        _ENDPOINT,
        Rejected(
            404,
            {
                "code": "NotFound",
                "message": "The request is invalid.",
                "details": [
                    {
                        "code": "InferencingClientCallFailed",
                        "message": '{{"title":"Not Found"}}',
                        "details": [],
                        "additionalInfo": [],
                    }
                ],
            },
        ),
    ),
    refusal(
        "deployment-not-there-yet",
        "a deployment is not found for a while after its PUT",
        "GET",
        _DEPLOYMENT,
        deployment_missing("D", "E", "W"),
    ),
    refusal(
        "endpoint-updating",
        "a deployment's PUT while the endpoint is being changed",
        "PUT",
        _DEPLOYMENT,
        plain(
            409, "Conflict", "Cannot create a deployment in endpoint E because it is in Updating provisioning state."
        ),
        known="unverified",
    ),
    refusal(
        "conflict",
        "another operation is under way",
        _WRITE,
        "/onlineEndpoints/",
        plain(409, "Conflict", "An operation is already in progress on this endpoint. Try again later."),
        known="documented",
        wording="unverified",
    ),
    refusal(
        "subscription-not-registered",
        "the resource provider is not registered",
        "PUT",
        "/onlineEndpoints/",
        plain(
            409,
            "SubscriptionNotRegistered",
            "Subscription is not registered with the Microsoft.MachineLearningServices resource provider.",
        ),
        known="documented",
        wording="unverified",
    ),
    refusal(
        "permission-denied",
        "no role grants the action",
        _WRITE,
        "/onlineEndpoints/",
        denied("C", "O", "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write", "/subscriptions/S"),
        wording="documented",
        known="documented",
    ),
    refusal("policy-denied", "Azure Policy denies the write", "PUT|PATCH", "/onlineEndpoints/", _policy()),
    refusal(
        "scope-locked",
        "a resource lock refuses the write",
        _WRITE,
        "/onlineEndpoints/",
        plain(
            409,
            "ScopeLocked",
            "The scope 'S' cannot perform write operation because following scope(s) are locked: 'S'. Please remove "
            "the lock and try again.",
        ),
    ),
    _plain("throttled", "too many requests; wait 2 s", Status(status=429, retry_after=2)),
    _plain("server-error", "500", Status(status=500)),
    _plain("unavailable", "503", Status(status=503), known="seen"),
    _plain(
        "unavailable-after-acting",
        "503, but the request was carried out",
        Status(status=503, after_acting=True),
        method=_WRITE,
        known="seen",
    ),
    _plain("dropped", "the connection is cut before the request is looked at", Drop(), known="seen"),
    _plain(
        "dropped-after-acting",
        "the connection is cut after the request was carried out",
        Drop(after_acting=True),
        method=_WRITE,
        known="seen",
    ),
    _plain("torn", "the connection is cut in the middle of the answer", Torn(), known="seen"),
    _plain("garbage", "a proxy's page in the place of the answer", Garbage(), known="seen"),
    _plain("stale-read", "a GET shows the state before the last change", Stale(), method="GET", known="seen"),
)
