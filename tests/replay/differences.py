"""Every difference between recorded answers and the emulator's, with its reason. Checked both ways.

`*` stands for anything. `source` is `recording` (the real service), or `capture` (a mock that answered the SDK).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Listed:
    """One kind of difference that is known, at which operations, and why it is there."""

    source: Literal["recording", "capture"]
    operation: str
    what: str
    reason: str

    def covers(self, operation: str, what: str) -> bool:
        """Whether this is about that difference."""
        return bool(_glob(self.operation).fullmatch(operation) and _glob(self.what).fullmatch(what))


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*"))


Found = tuple[str, str]
"""An operation, and a difference there."""


def unlisted(source: str, found: Iterable[Found]) -> list[Found]:
    """Differences that nobody has explained."""
    known = [each for each in LISTED if each.source == source]
    return [one for one in dict.fromkeys(found) if not any(each.covers(*one) for each in known)]


def outlived(source: str, found: Iterable[Found]) -> list[Listed]:
    """Lines of the table that no difference asks for any more."""
    there = list(found)
    return [each for each in LISTED if each.source == source and not any(each.covers(*one) for one in there)]


_EXCERPT: Final = "the excerpt of the recording leaves out ids and times; responses of Resource Manager have them"
_ALL_COUNT: Final = "the excerpt keeps this counter at some answers only; here every answer counts"
_OWN_ADDRESS: Final = "the emulator's endpoints are below its own address, not below `inference.ml.azure.com`"
_ANEW: Final = "an operation's id is made anew"
_MOCK: Final = "the mock leaves it out; the recording (or the specification) has it"
_OLD_FIELDS: Final = "the mock shows at once what was asked for; as recorded, the old fields are shown until the end"
_DEFAULTS: Final = "the mock fills in nothing; the recording shows the service's defaults"
_AGAIN: Final = "the mock answers 201 to everything; a version that was there is 200"

LISTED: Final[tuple[Listed, ...]] = (
    # The real service
    Listed("recording", "*", "header date is added", _EXCERPT),
    Listed("recording", "*", "header x-ms-request-id is added", _EXCERPT),
    Listed("recording", "*", "header x-ms-correlation-request-id is added", _EXCERPT),
    Listed("recording", "*", "header x-ms-routing-request-id is added", _EXCERPT),
    Listed("recording", "*", "header x-request-time is added", _EXCERPT),
    Listed("recording", "*", "header server-timing is added", _EXCERPT),
    Listed(
        "recording",
        "*",
        "header x-ms-ratelimit-remaining-subscription-global-* is added",
        "documented since 2024; the recording is of 2022",
    ),
    Listed("recording", "*", "header x-ms-ratelimit-remaining-subscription-reads is added", _ALL_COUNT),
    Listed(
        "recording",
        "poll of *",
        "header x-ms-retry-after-ms is added",
        "only above `--speed 1`: so that unchanged clients poll soon enough",
    ),
    Listed("recording", "poll of *", "id has another value", _ANEW),
    Listed("recording", "poll of *", "name has another value", _ANEW),
    Listed("recording", "*", "properties.scoringUri has another value", _OWN_ADDRESS),
    Listed("recording", "*", "properties.swaggerUri has another value", _OWN_ADDRESS),
    Listed(
        "recording",
        "POST score",
        "header azureml-model-session is added",
        "seen in 2025, not yet in the recording of 2022",
    ),
    Listed(
        "recording",
        "POST score",
        "header x-ms-server-version is added",
        "the inference server of today says its version",
    ),
    # The mock that answered the SDK
    Listed("capture", "*", "*systemData.* is added", _MOCK),
    Listed("capture", "*", "*identity.principalId is added", _MOCK),
    Listed("capture", "*", "*identity.tenantId is added", _MOCK),
    Listed("capture", "*", "*description is added", _MOCK),
    Listed("capture", "* onlineEndpoints/{}*", "*properties.properties.AzureAsyncOperationUri is added", _MOCK),
    Listed("capture", "* onlineEndpoints/{}", "properties.properties.azureml.onlineendpointid is added", _MOCK),
    Listed("capture", "* onlineEndpoints/{}", "properties.compute is added", _MOCK),
    Listed("capture", "*", "properties.publicNetworkAccess is added", _MOCK),
    Listed(
        "capture",
        "PUT onlineEndpoints/{}",
        "properties.scoringUri: text → null",
        "recorded: no address before the endpoint is there",
    ),
    Listed(
        "capture",
        "PUT onlineEndpoints/{}",
        "properties.swaggerUri: text → null",
        "recorded: no address before the endpoint is there",
    ),
    Listed("capture", "PUT onlineEndpoints/{}", "properties.traffic.* is missing", _OLD_FIELDS),
    Listed("capture", "PUT onlineEndpoints/{}", "properties.traffic.* is added", _OLD_FIELDS),
    Listed("capture", "PUT onlineEndpoints/{}", "properties.mirrorTraffic.* is missing", _OLD_FIELDS),
    Listed("capture", "PUT onlineEndpoints/{}", "properties.mirrorTraffic.* is added", _OLD_FIELDS),
    Listed("capture", "PUT onlineEndpoints/{}", "tags.foo is added", _OLD_FIELDS),
    Listed(
        "capture",
        "* onlineEndpoints/{}",
        "properties.properties.p is added",
        "the mock forgets a property that a PUT leaves out; by the specification it cannot be removed",
    ),
    Listed("capture", "* onlineEndpoints/{}/deployments*", "*sku.tier is added", _DEFAULTS),
    Listed("capture", "* onlineEndpoints/{}/deployments*", "*livenessProbe: null → object", _DEFAULTS),
    Listed("capture", "* onlineEndpoints/{}/deployments*", "*readinessProbe: null → object", _DEFAULTS),
    Listed("capture", "* onlineEndpoints/{}/deployments*", "*requestSettings.maxQueueWait is added", _DEFAULTS),
    Listed("capture", "* onlineEndpoints/{}/deployments*", "*codeConfiguration is added", _DEFAULTS),
    Listed(
        "capture",
        "PUT onlineEndpoints/{}/deployments/{}",
        "properties.provisioningState has another value",
        "the mock says Creating; recorded: Updating, also for a new deployment",
    ),
    Listed("capture", "PUT onlineEndpoints/{}/deployments/{}", "properties.modelMountPath: null → text", _OLD_FIELDS),
    Listed(
        "capture",
        "GET onlineEndpoints/{}/deployments",
        "value: 2 → 3 entries",
        "a weight names a deployment that the mock never had; here it must exist, so it was made before",
    ),
    Listed(
        "capture",
        "GET onlineEndpoints/{}",
        "error.details is added",
        "the mock's 404 is short; seen: the front end's envelope",
    ),
    Listed(
        "capture",
        "GET onlineEndpoints/{}",
        "error.additionalInfo is added",
        "the mock's 404 is short; seen: the front end's envelope",
    ),
    Listed("capture", "PUT codes/{}/versions/{}", "status 201 → 200", "recorded: the PUT of a code is 200"),
    Listed(
        "capture",
        "GET codes/{}/versions",
        "value: 0 → 1 entries",
        "the mock knows no content hashes; the service finds the code again",
    ),
    Listed(
        "capture",
        "HEAD blob",
        "status 200 → 404",
        "the mock has one container for all code; here each code has its own, as the service has",
    ),
    Listed("capture", "PUT environments/{}/versions/{}", "status 201 → 200", _AGAIN),
    Listed("capture", "PUT models/{}/versions/{}", "status 201 → 200", _AGAIN),
    Listed("capture", "* environments/{}/versions*", "*properties.* is added", _MOCK),
    Listed("capture", "* models/{}/versions*", "*properties.* is added", _MOCK),
    Listed("capture", "PUT data/{}/versions/{}", "properties.provisioningState is added", _MOCK),
    Listed("capture", "GET datastores/{}", "properties.* is added", _MOCK),
    Listed("capture", "GET workspace", "properties.keyVault: text → null", "the emulated workspace has none"),
    Listed(
        "capture", "GET workspace", "properties.applicationInsights: text → null", "the emulated workspace has none"
    ),
    Listed("capture", "GET registry", "* is added", "the mock's registry is short; the SDK reads what is there"),
    Listed("capture", "GET workspace", "properties.containerRegistry is added", _MOCK),
)


@dataclass(frozen=True, slots=True)
class Unprovoked:
    """An error that others have seen and the emulator never gives."""

    case: str
    reason: str


UNPROVOKED: Final[tuple[Unprovoked, ...]] = (
    Unprovoked("unsupported scenario (generic UserError envelope)", "the emulator lists code assets"),
    Unprovoked("scoring: traffic group with no deployment (internal)", "nobody knows when the service says so"),
)
