"""The faults: of the control plane as failed operations and refused requests, of the data plane as answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Provoked:
    """One fault: what it is called, where it strikes, and the rules that the emulator gets for it."""

    id: str
    group: str
    what: str
    rules: tuple[Rule, ...]


CREATION: Final = "The creation of the deployment fails"
KUBERNETES: Final = "The creation of the deployment fails, on Kubernetes"
REFUSED: Final = "A request to Resource Manager is refused"
LOST: Final = "An answer is lost, late or wrong"
SCORING: Final = "A scoring request of the smoke test is answered otherwise"


def _creation(code: str, message: str, group: str = CREATION) -> Provoked:
    effect = {"kind": "fail", "operation": "deployment_create", "code": code, "message": message}
    return Provoked(code, group, message, ({"effect": effect},))


def _refused(name: str, what: str, status: int, code: str, message: str, method: str = "PUT", **more: Any) -> Provoked:
    effect = {"kind": "status", "status": status, "code": code, "message": message, **more}
    rule = {"method": method, "path": "/onlineEndpoints/", "times": None, "effect": effect}
    return Provoked(name, REFUSED, what, (rule,))


def _once(name: str, group: str, what: str, method: str, **effect: Any) -> Provoked:
    return Provoked(name, group, what, ({"method": method, "path": "/onlineEndpoints/", "effect": effect},))


def _scoring(name: str, what: str, status: int, text: str = "", **headers: str) -> Provoked:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    effect = {"kind": "status", "status": status, "text": text, "headers": sent}
    return Provoked(name, SCORING, what, ({"area": "data", "path": "/score", "times": None, "effect": effect},))


def _model(status: str) -> Provoked:
    told = {"ms_azureml_model_error_statuscode": status, "ms_azureml_model_error_reason": "model_error"}
    return _scoring(f"424-model-{status}", f"424: the model answered {status}", 424, "An unexpected error", **told)


_K8S: Final[Mapping[str, str]] = {
    "ACRSecretError": "Failed to create the registry secret.",
    "TokenRefreshFailed": "The extension cannot get a principal credential from Azure.",
    "GetAADTokenFailed": "The Kubernetes cluster failed to get an Entra token.",
    "ACRAuthenticationChallengeFailed": "The cluster cannot reach the container registry for a challenge.",
    "ACRTokenExchangeFailed": "The token exchange with the container registry failed.",
    "KubernetesUnaccessible": "The Kubernetes cluster is not accessible.",
    "ImagePullLoopBackOff": "The images cannot be downloaded from the container registry.",
    "DeploymentCrashLoopBackOff": "The user container crashed while it started.",
    "KubernetesCrashLoopBackOff": "One or more pods crash again and again.",
    "NamespaceNotFound": "The namespace of the cluster is not available.",
    "UserScriptInitFailed": "The init function in score.py raised an exception.",
    "UserScriptImportError": "score.py imports a package that is not there.",
    "UserScriptFunctionNotFound": "score.py has no init or no run.",
    "EndpointNotFound": "The endpoint was not found in the cluster.",
    "EndpointAlreadyExists": "The endpoint is already there in the cluster.",
    "ScoringFeUnhealthy": "The scoring front end (azureml-fe) is not healthy.",
    "ValidateScoringFailed": "The scoring request for validation failed.",
    "InvalidDeploymentSpec": "The specification of the deployment is not valid.",
    "PodUnschedulable": "No node of the cluster has the resources.",
    "PodOutOfMemory": "The container was killed for want of memory.",
    "InferencingClientCallFailed": "The inferencing client cannot call the cluster.",
}

FAULTS: Final[tuple[Provoked, ...]] = (
    _creation("ImageBuildFailure", "The image could not be built: conda could not solve the environment."),
    _creation("OutOfQuota", "Not enough subscription CPU quota."),
    _creation("BadArgument", "The downloaded model has no file model.pkl."),
    _creation("ResourceNotReady", "User container has crashed or terminated. Please see troubleshooting guide."),
    _creation("ResourceNotFound", "The container registry was not found."),
    _creation("WorkspaceManagedNetworkNotReady", "The managed network of the workspace is not ready."),
    _creation("OperationCanceled", "The operation was canceled by another one of a higher priority."),
    _creation("SecretsInjectionError", "A secret could not be read from the key vault."),
    _creation("InternalServerError", "Something went wrong on the service's side."),
    *(_creation(code, message, KUBERNETES) for code, message in _K8S.items()),
    _refused(
        "forbidden",
        "403 AuthorizationFailed",
        403,
        "AuthorizationFailed",
        "The client does not have authorization to perform action 'write' over scope 'x'.",
    ),
    _refused(
        "forbidden-read",
        "403 AuthorizationFailed (reading)",
        403,
        "AuthorizationFailed",
        "The client does not have authorization to perform action 'read' over scope 'x'.",
        "GET",
    ),
    _refused(
        "expired",
        "401 ExpiredAuthenticationToken",
        401,
        "ExpiredAuthenticationToken",
        "The access token expiry UTC time '1/1/2026' is earlier than current UTC time.",
    ),
    _refused(
        "locked",
        "409 ScopeLocked: a resource lock",
        409,
        "ScopeLocked",
        "The scope cannot perform write operation because following scope(s) are locked: 'rg'.",
    ),
    _refused(
        "policy",
        "403 RequestDisallowedByPolicy",
        403,
        "RequestDisallowedByPolicy",
        "Resource was disallowed by policy 'sizes'.",
    ),
    _refused(
        "unregistered",
        "409 SubscriptionNotRegistered: the provider is missing",
        409,
        "SubscriptionNotRegistered",
        "The subscription is not registered to use namespace 'Microsoft.MachineLearningServices'.",
    ),
    _refused(
        "no-group",
        "404 ResourceGroupNotFound",
        404,
        "ResourceGroupNotFound",
        "Resource group 'ml' could not be found.",
        "GET",
    ),
    _refused(
        "quota-refused",
        "400 QuotaExceeded, at once",
        400,
        "QuotaExceeded",
        "The request exceeds the quota of 20 deployments.",
    ),
    _refused(
        "busy",
        "409 Conflict: an operation is in progress, and stays",
        409,
        "Conflict",
        "An operation is already in progress on endpoint faulty. Try again later.",
    ),
    _refused(
        "throttled",
        "429 TooManyRequests, for good",
        429,
        "TooManyRequests",
        "The request is being throttled as the limit has been reached.",
        retry_after=1,
    ),
    _refused("unavailable", "503 ServerBusy, for good", 503, "ServerBusy", "The service is not available."),
    _refused("server-error", "500 InternalServerError, for good", 500, "InternalServerError", "Something went wrong."),
    _once("throttled-once", LOST, "429 with Retry-After, once", "PUT", kind="status", status=429, retry_after=1),
    _once("unavailable-once", LOST, "503, once", "PUT", kind="status", status=503),
    _once("lost-answer", LOST, "a write is done and its answer is lost", "PUT", kind="drop", after_acting=True),
    _once("lost-request", LOST, "a connection is lost before the write is done", "PUT", kind="drop"),
    _once("lost-read", LOST, "a read is cut off", "GET", kind="drop"),
    _once("stale-read", LOST, "a read is answered from the past", "GET", kind="stale"),
    _once(
        "hidden-500", LOST, "a write is done and answered with 500", "PUT", kind="status", status=500, after_acting=True
    ),
    _scoring("401", "401: the key is not taken", 401, "key_auth_access_denied"),
    _scoring("401-header", "401: the header is malformed", 401, "key_auth_bad_header_forbidden"),
    _scoring(
        "403",
        "403: the Entra token lacks score/action",
        403,
        "Microsoft Entra Token denied by policy, please review "
        "https://learn.microsoft.com/en-us/azure/machine-learning/how-to-authenticate-online-endpoint",
    ),
    _scoring(
        "404",
        "404: no deployment to route to",
        404,
        "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive "
        "weight values or use a deployment specific header to route.",
    ),
    _scoring("408", "408: the model took longer than its timeout", 408, "The request did not complete in time."),
    _model("500"),
    _model("400"),
    _scoring(
        "424-not-ready",
        "424: the model is not ready",
        424,
        "",
        ms_azureml_model_error_reason="model_not_ready",
        ms_azureml_model_error_statuscode="",
    ),
    _scoring(
        "424-too-few",
        "424: too few instances",
        424,
        "",
        ms_azureml_model_error_reason="too_few_model_instance",
        ms_azureml_model_error_statuscode="",
    ),
    _scoring(
        "429", "429: too many requests in flight", 429, "", ms_azureml_model_error_reason="too_many_pending_request"
    ),
    _scoring("500", "500: an error of the platform", 500, "Internal Server Error"),
    _scoring("502", "502: an exception in run() (Kubernetes)", 502, "Bad Gateway"),
    _scoring("503", "503: a spike of requests (Kubernetes)", 503, "Service Unavailable"),
    _scoring("504", "504: a timeout (Kubernetes)", 504, "Gateway Timeout"),
    Provoked(
        "cut",
        SCORING,
        "the connection is cut",
        ({"area": "data", "path": "/score", "times": None, "effect": {"kind": "drop"}},),
    ),
)
"""Microsoft's troubleshooting page (@a2d90a50): its codes of failed operations, its table of statuses."""
