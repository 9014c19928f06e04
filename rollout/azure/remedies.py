"""What is known of the codes with which operations end, as data: the remedy for each, by what is at fault.

Source: Microsoft's how-to-troubleshoot-online-endpoints, its managed and its Kubernetes part.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CRASH: Final = "The container crashed or its probes failed: read its log, and the smoke tests."
_SCRIPT: Final = "Read the end of its log, correct the script or the model, and commit that."
_REGISTRY: Final = "See that the cluster and its identity reach the container registry (AcrPull); then run it again."
_CLUSTER: Final = "Mend the cluster and its Azure ML extension; then run the same command again."

CONTENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ResourceNotReady": _CRASH,
        "ImageBuildFailure": "The environment's image could not be built: read the build log in the studio.",
        "BadArgument": "The service rejects the deployment's content: check model, environment and their paths.",
        "ResourceNotFound": "Something that the deployment names is not there: check its registry and its assets.",
        "ImagePullLoopBackOff": "Check the image's name, and that the cluster may pull from its registry.",
        "DeploymentCrashLoopBackOff": _CRASH,
        "KubernetesCrashLoopBackOff": _CRASH,
        "UserScriptInitFailed": _SCRIPT,
        "UserScriptImportError": "Add the package to the environment, or correct the import.",
        "UserScriptFunctionNotFound": "The scoring script needs a function init() and a function run(data).",
        "ValidateScoringFailed": _SCRIPT,
        "InvalidDeploymentSpec": "Check resources, instance type and probes of the deployment's file.",
        "PodOutOfMemory": "Give it more memory: larger `resources`, or another instance type.",
    }
)
"""What is deployed is at fault: this goal fails."""

AROUND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "InternalServerError": "The service is out of order: run the same command again later.",
        "WorkspaceManagedNetworkNotReady": (
            "Provision the workspace's managed network (`az ml workspace provision-network`); then run it again."
        ),
        "SecretsInjectionError": (
            "Let the endpoint's identity read the secrets that the variables name; then run it again."
        ),
        "ACRSecretError": _REGISTRY,
        "ACRAuthenticationChallengeFailed": _REGISTRY,
        "ACRTokenExchangeFailed": _REGISTRY,
        "TokenRefreshFailed": _CLUSTER,
        "GetAADTokenFailed": _CLUSTER,
        "KubernetesUnaccessible": _CLUSTER,
        "NamespaceNotFound": _CLUSTER,
        "EndpointNotFound": _CLUSTER,
        "EndpointAlreadyExists": _CLUSTER,
        "ScoringFeUnhealthy": _CLUSTER,
        "InferencingClientCallFailed": _CLUSTER,
    }
)
"""What is around it is at fault: nothing is held against the goal, and the next run tries again."""
