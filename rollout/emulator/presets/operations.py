"""Operations that fail: codes as documented for managed endpoints and for Kubernetes."""

from __future__ import annotations

from typing import Final

from rollout.emulator.presets.preset import GUIDE, Preset, ending

_QUOTA: Final = f"{GUIDE}outofquota"
_CRASH: Final = (
    "Exception in worker process\n"
    "Traceback (most recent call last):\n"
    '  File "/var/azureml-app/score.py", line 7, in init\n'
    '    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"))\n'
    "ModuleNotFoundError: No module named 'sklearn'\n"
    "[ERROR] Worker (pid:31) exited with code 3.\n"
    "[ERROR] Shutting down: Master"
)
_PROBES: Final = "Liveness probe failed: HTTP probe failed with statuscode: 502"
_QUOTAS: Final = (
    ("cpu", "CPU", "Not enough subscription CPU quota. The amount of CPU quota requested is 8 and your maximum amount "
     "of quota is [N/A]. " + _QUOTA),
    ("cluster", "the compute cluster", "Not enough Azure ML compute cluster quota. " + _QUOTA),
    ("disk", "disk", "Disk quota exceeded: the image does not fit on the disk of the instance. " + _QUOTA),
    ("memory", "memory", "The model does not fit into the memory of the instance. " + _QUOTA),
    ("role-assignments", "role assignments", "Role assignment quota exceeded in the subscription. " + _QUOTA),
    ("endpoints", "endpoints", "Endpoint quota exceeded in the subscription. " + _QUOTA),
    ("region", "virtual machines of the region", "The region has no capacity left for this size. " + _QUOTA),
    ("other", "something else", "Not enough quota. " + _QUOTA),
)  # fmt: skip
_ARGUMENTS: Final = (
    ("subscription", "the subscription does not exist", "The subscription of the endpoint cannot be found."),
    ("role-assignment", "the identity may not read the registry or the storage", "Authorization error: the identity of "
     "the endpoint may not pull the image or read the model."),
    ("template-function", "a template function was used wrongly", "Invalid template function specification."),
    ("image-download", "the image cannot be downloaded", "Unable to download the user container image."),
    ("model-download", "the model cannot be downloaded", "Unable to download the user model."),
    ("mlflow-network", "MLflow without a script in a private network", "MLflow model format with private network is "
     "unsupported for a deployment without a scoring script."),
    ("resource-limits", "Kubernetes: requests are larger than limits", "Requests of resources are larger than limits."),
    ("azureml-fe", "Kubernetes: azureml-fe is not ready", "The cluster's front end azureml-fe is not ready."),
)  # fmt: skip
_MANAGED: Final = (
    ending(
        "image-build-failure",
        "ImageBuildFailure",
        "the environment's image cannot be built",
        "Image build failed. " + GUIDE + "imagebuildfailure",
    ),
    ending(
        "resource-not-ready",
        "ResourceNotReady",
        "the container crashes (its log says why)",
        "User container has crashed or terminated. " + GUIDE + "resourcenotready",
        log=_CRASH,
        wording="documented",
    ),
    ending(
        "probes-failing",
        "ResourceNotReady",
        "the container's probes fail",
        "User container has crashed or terminated: liveness probe failed. " + GUIDE + "resourcenotready",
        log=_PROBES,
    ),
    ending(
        "resource-not-found",
        "ResourceNotFound",
        "Resource Manager does not find a resource",
        "The resource was not found. " + GUIDE + "resourcenotfound",
    ),
    ending(
        "registry-not-found",
        "ResourceNotFound",
        "the container registry is private or gone",
        "The container registry was not found or cannot be reached. " + GUIDE + "resourcenotfound",
    ),
    ending(
        "managed-network-not-ready",
        "WorkspaceManagedNetworkNotReady",
        "the workspace's managed network is not provisioned",
        "The managed network of the workspace is not ready. " + GUIDE + "workspacemanagednetworknotready",
    ),
    ending(
        "canceled-by-priority",
        "OperationCanceled",
        "another operation of higher priority cancelled it",
        "Operation was canceled by another operation that has a higher priority.",
    ),
    ending(
        "canceled-by-lock",
        "OperationCanceled",
        "a similar request came too soon",
        "Operation was canceled because the previous operation was waiting for lock confirmation.",
    ),
    ending(
        "secrets-injection-error",
        "SecretsInjectionError",
        "secrets cannot be retrieved or injected",
        "Secret retrieval and injection failed. " + GUIDE + "secretsinjectionerror",
    ),
    ending(
        "internal-server-error",
        "InternalServerError",
        "the service has failed",
        "An internal error has occurred. " + GUIDE + "internalservererror",
    ),
)
_KUBERNETES: Final = (
    ("ACRSecretError", "the registry's secret cannot be made in the cluster"),
    ("TokenRefreshFailed", "the extension's token cannot be refreshed"),
    ("GetAADTokenFailed", "the cluster gets no Entra token"),
    ("ACRAuthenticationChallengeFailed", "the registry cannot be reached for authentication"),
    ("ACRTokenExchangeFailed", "the Entra token is not exchanged for the registry's"),
    ("KubernetesUnaccessible", "the cluster cannot be reached"),
    ("ImagePullLoopBackOff", "the image cannot be pulled, again and again"),
    ("DeploymentCrashLoopBackOff", "the container crashes, again and again"),
    ("KubernetesCrashLoopBackOff", "pods crash, again and again"),
    ("NamespaceNotFound", "the compute's namespace is gone"),
    ("UserScriptInitFailed", "init() of the scoring script raises"),
    ("UserScriptImportError", "the scoring script cannot be imported"),
    ("UserScriptFunctionNotFound", "the scoring script has no init() or run()"),
    ("EndpointNotFound", "the endpoint is not in the cluster"),
    ("EndpointAlreadyExists", "the endpoint is in the cluster already"),
    ("ScoringFeUnhealthy", "the cluster's front end is not healthy"),
    ("ValidateScoringFailed", "the scoring URL of the new endpoint cannot be validated"),
    ("InvalidDeploymentSpec", "the deployment's specification is not valid"),
    ("PodUnschedulable", "no node has room for the pods"),
    ("PodOutOfMemory", "a pod used more memory than its limit"),
    ("InferencingClientCallFailed", "the cluster's extension cannot be reached"),
)


def _kebab(code: str) -> str:
    """`ACRSecretError` → `acr-secret-error`."""
    parts, word = [], ""
    for here, following in zip(code, code[1:] + "a", strict=True):
        if word and here.isupper() and (word[-1].islower() or following.islower()):
            parts.append(word)
            word = ""
        word += here
    return "-".join((*parts, word)).lower()


FAILURES: Final[tuple[Preset, ...]] = (
    *_MANAGED,
    *(
        ending(
            f"out-of-quota-{name}",
            "OutOfQuota",
            f"no quota left: {what}",
            text,
            wording="seen" if name == "cpu" else "unverified",
        )
        for name, what, text in _QUOTAS
    ),
    *(ending(f"bad-{name}", "BadArgument", what, f"{text} {GUIDE}badargument") for name, what, text in _ARGUMENTS),
    *(
        ending(f"k8s-{_kebab(code)}", code, f"Kubernetes: {what}", f"{what[0].upper()}{what[1:]}.")
        for code, what in _KUBERNETES
    ),
)
"""Every code of the list. `--operation` lets another kind of operation fail than the create of a deployment."""
