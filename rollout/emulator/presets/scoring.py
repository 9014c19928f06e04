"""What scoring requests are answered with when they go wrong: every status that is listed there."""

from __future__ import annotations

from typing import Final

from rollout.emulator.data_plane_answers import NO_VALID_DEPLOYMENT
from rollout.emulator.faults import Delay, Drop, Fault
from rollout.emulator.presets.preset import Preset, scoring

_REASON: Final = "ms-azureml-model-error-reason"
_CODE: Final = "ms-azureml-model-error-statuscode"

SCORING: Final[tuple[Preset, ...]] = (
    scoring(
        "key-denied",
        401,
        "a wrong or expired key",
        "key_auth_access_denied",
        behind=False,
        wording="seen",
    ),
    scoring(
        "key-header-forbidden",
        401,
        "an authorization header that holds no key",
        "key_auth_bad_header_forbidden",
        behind=False,
        known="unverified",
        wording="seen",
    ),
    scoring(
        "token-denied",
        403,
        "an Entra token that a policy denies",
        "Microsoft Entra Token denied by policy, please review "
        "https://learn.microsoft.com/en-us/azure/machine-learning/how-to-authenticate-online-endpoint",
        behind=False,
        known="seen",
        wording="seen",
    ),
    scoring(
        "tenant-mismatch",
        403,
        "an Entra token of another tenant",
        "Tenant mismatch",
        behind=False,
        known="seen",
        wording="seen",
    ),
    scoring(
        "no-valid-deployment", 404, "all weights are zero", NO_VALID_DEPLOYMENT, behind=False, wording="documented"
    ),
    scoring("model-timeout", 408, "the model took longer than its request timeout"),
    scoring("payload-too-large", 413, "a payload of more than 1.5 MB (historical)", known="seen", behind=False),
    scoring(
        "model-error",
        424,
        "the model's container answered 500",
        "Internal Server Error",
        headers={_CODE: "500", _REASON: "model_error"},
        wording="documented",
    ),
    scoring(
        "model-not-ready",
        424,
        "no instance is ready",
        headers={_CODE: "", _REASON: "model_not_ready"},
        wording="seen",
    ),
    scoring(
        "too-few-instances",
        424,
        "too few instances are ready",
        headers={_CODE: "", _REASON: "too_few_model_instance"},
        wording="seen",
    ),
    scoring(
        "too-many-pending",
        429,
        "more requests at once than the instances may queue",
        headers={_REASON: "too_many_pending_request"},
        wording="seen",
    ),
    scoring("rate-limited", 429, "more requests a second than the endpoint may get", behind=False),
    scoring("platform-error", 500, "the service's front end has failed", behind=False),
    scoring("k8s-conflict", 409, "Kubernetes: an operation is under way"),
    scoring("k8s-run-exception", 502, "Kubernetes: run() raised"),
    scoring("k8s-overloaded", 503, "Kubernetes: a spike that scaling did not follow"),
    scoring("k8s-timeout", 504, "Kubernetes: no answer in time"),
    Preset(
        name="slow-model",
        what="the model takes a second longer",
        fault=Fault(effect=Delay(seconds=1.0), path="/score", area="data", deployment=".*", name="slow-model"),
        known="unverified",
    ),
    Preset(
        name="scoring-dropped",
        what="the connection is cut",
        fault=Fault(effect=Drop(), path="/score", area="data", name="scoring-dropped"),
        known="unverified",
    ),
)
