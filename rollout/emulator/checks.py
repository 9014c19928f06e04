"""What the service refuses about a request by itself: names, tags, weights. Pure; raises `Rejected`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rollout.emulator import durations
from rollout.emulator.answers import invalid, plain
from rollout.emulator.settings import Settings
from rollout.emulator.world import Held

NAME: Final = re.compile(r"[a-zA-Z](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
FORBIDDEN_IN_TAGS: Final = frozenset("<>%&\\?/")
MAX_TAGS: Final = 50
MAX_TAG_NAME: Final = 512
MAX_TAG_VALUE: Final = 256
MAX_MIRROR: Final = 50
MANAGED_TIMEOUT: Final = 180
KUBERNETES_TIMEOUT: Final = 300


def name(kind: str, value: str) -> None:
    """3 to 32 characters: a letter, then letters, digits and dashes, no dash at the end."""
    if not (3 <= len(value) <= 32 and NAME.fullmatch(value)):
        raise invalid(
            f"{kind} name [{value}] is invalid. It must begin with a letter, be 3-32 characters in length and "
            "consist of letters, numbers and dashes."
        )


SWITCH: Final = ("Enabled", "Disabled")
IDENTITIES: Final = ("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")


def one_of(field: str, value: Any, allowed: tuple[str, ...]) -> None:
    """A value of an enumeration, in any case; None: nothing was said."""
    if value is not None and str(value).lower() not in {each.lower() for each in allowed}:
        raise invalid(f"{field} must be one of {', '.join(allowed)}, but is '{value}'.")


def request_timeout(text: str | None, compute: str) -> None:
    """At most 180 s on managed endpoints, 300 s on Kubernetes."""
    longest = KUBERNETES_TIMEOUT if compute == "Kubernetes" else MANAGED_TIMEOUT
    if text and durations.seconds(text) > longest:
        raise invalid(f"The request timeout must be at most {longest} seconds, but is {text}.")


def both_names(endpoint: str, deployment: str) -> None:
    """On Kubernetes, endpoint and deployment names have 6 to 62 characters together."""
    if not 6 <= len(endpoint) + len(deployment) <= 62:
        raise invalid(f"The names [{endpoint}] and [{deployment}] must have 6 to 62 characters together.")


def tags(given: Any) -> dict[str, str]:
    """The tags of a body, checked against Resource Manager's limits."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise plain(400, "InvalidTags", "The property 'tags' must be an object of strings.")
    if len(given) > MAX_TAGS:
        raise plain(
            400,
            "InvalidTags",
            f"A resource can have at most {MAX_TAGS} tags; the request has {len(given)}.",
        )
    for key, value in given.items():
        _tag(key, value)
    if len({key.lower() for key in given}) < len(given):
        raise plain(400, "InvalidTags", "Tag names are case-insensitive and must differ.")
    return given


def _tag(key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise plain(400, "InvalidTagValue", f"The value of tag '{key}' is not a string.")
    if not key or len(key) > MAX_TAG_NAME or FORBIDDEN_IN_TAGS & set(key):
        raise plain(
            400,
            "InvalidTagNameCharacters",
            f"The tag name '{key[:60]}' is empty, too long or has reserved characters.",
        )
    if len(value) > MAX_TAG_VALUE:
        raise plain(
            400,
            "InvalidTagValueLength",
            f"The value of tag '{key}' has {len(value)} characters; at most {MAX_TAG_VALUE} are allowed.",
        )


def weights(
    traffic: Any, mirror: Any, deployments: Mapping[str, Held], compute: str, settings: Settings
) -> tuple[dict[str, int], dict[str, int]]:
    """Live and mirrored weights by the deployments' own names, checked together."""
    live = _split("traffic", traffic, deployments)
    shadow = _split("mirrorTraffic", mirror, deployments)
    if (total := sum(live.values())) not in (0, 100):
        raise invalid(f"Traffic percentages must sum to 0 or 100, but the sum is {total}.")
    _mirror(live, shadow, compute)
    if settings.refuse_traffic_to_failed:
        _all_ready({**live, **shadow}, deployments)
    return live, shadow


def _split(field: str, given: Any, deployments: Mapping[str, Held]) -> dict[str, int]:
    split: dict[str, int] = {}
    for key, weight in (given or {}).items():
        held = deployments.get(key.lower())
        if held is None:
            raise invalid(f"Deployment [{key}] in {field} does not exist.")
        if type(weight) is not int or not 0 <= weight <= 100:
            raise invalid(f"The {field} percentage of deployment [{key}] must be a whole number from 0 to 100.")
        if held.name in split:
            raise invalid(f"Deployment [{key}] is named twice in {field}.")
        split[held.name] = weight
    return split


def _mirror(live: Mapping[str, int], shadow: Mapping[str, int], compute: str) -> None:
    mirrored = [key for key, weight in shadow.items() if weight]
    if not mirrored:
        return
    if compute != "Managed":
        raise invalid("Mirror traffic is supported for managed online endpoints only.")
    if len(mirrored) > 1:
        raise invalid("Mirror traffic can go to one deployment only.")
    if shadow[mirrored[0]] > MAX_MIRROR:
        raise invalid(f"The mirror traffic percentage must be at most {MAX_MIRROR}.")
    if live.get(mirrored[0]):
        raise invalid(f"Deployment [{mirrored[0]}] cannot have both live and mirror traffic.")


def _all_ready(weighted: Mapping[str, int], deployments: Mapping[str, Held]) -> None:
    for key, weight in weighted.items():
        held = deployments[key.lower()]
        if weight and held.state != "Succeeded":
            raise invalid(f"Deployment [{key}] is in {held.state} provisioning state and cannot get traffic.")


def capacity(sku: Any, settings: Settings) -> int:
    """The instance count that a body asks for (1 if it says nothing)."""
    count = (sku or {}).get("capacity", 1)
    lowest = 1 if settings.refuse_zero_instances else 0
    if type(count) is not int or not lowest <= count <= settings.instances_per_deployment:
        raise invalid(
            f"The instance count must be from {lowest} to {settings.instances_per_deployment}, but is {count}."
        )
    return count
