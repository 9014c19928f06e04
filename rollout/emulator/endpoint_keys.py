"""Keys and tokens of online endpoints: listing, regenerating, issuing. Pure; raises `Rejected`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rollout.emulator import checks, operations
from rollout.emulator.answers import Answer, JsonObject, Rejected, user_error
from rollout.emulator.endpoints import accepted, find
from rollout.emulator.world import HeldEndpoint, Kind, World

TOKEN_SECONDS: Final = 24 * 3600.0
REFRESH_SECONDS: Final = 12 * 3600.0


def list_keys(world: World, name: str) -> Answer:
    """The two keys; endpoints with tokens have none."""
    held = find(world, name)
    if held.doc["properties"]["authMode"] != "Key":
        raise _not_supported("Listing keys", held)
    return Answer(200, {"primaryKey": held.keys[0], "secondaryKey": held.keys[1]})


def _not_supported(what: str, held: HeldEndpoint) -> Rejected:
    template = f"{what} is not supported for the authentication mode {{mode}}"
    return user_error(400, "NotSupported", template, mode=held.doc["properties"]["authMode"])


def regenerate(world: World, name: str, body: JsonObject, now: datetime) -> Answer:
    """A new key (or the given one) in place of the primary or secondary one, at once; the operation follows."""
    held = find(world, name)
    operations.refuse_if_busy(world, held, None)
    if held.doc["properties"]["authMode"] != "Key":
        raise _not_supported("Regenerating keys", held)
    checks.one_of("keyType", body.get("keyType") or "", ("Primary", "Secondary"))
    fresh = body.get("keyValue") or world.secret("key")
    primary = body["keyType"].lower() == "primary"
    held.keys = (fresh, held.keys[1]) if primary else (held.keys[0], fresh)
    op_id = operations.new_id(world, None)
    operations.start(world, op_id, Kind.REGENERATE_KEYS, name.lower(), now)
    world.changed.add(name.lower())
    return Answer(202, None, accepted(world, op_id))


def token(world: World, name: str, now: datetime) -> Answer:
    """A token for scoring: valid for 24 hours, to be refreshed after 12. Also the earlier ones stay valid."""
    held = find(world, name)
    if held.doc["properties"]["authMode"] == "Key":
        raise user_error(400, "NotSupported", "Tokens are not supported for the authentication mode {mode}", mode="Key")
    at = now.timestamp()
    fresh = [pair for pair in held.tokens if pair[1] - at > TOKEN_SECONDS - REFRESH_SECONDS]
    if not fresh:
        fresh = [(world.secret("token"), at + TOKEN_SECONDS)]
        held.tokens = (*(pair for pair in held.tokens if pair[1] > at), *fresh)
        world.changed.add(name.lower())
    value, expiry = fresh[-1]
    return Answer(
        200,
        {
            "accessToken": value,
            "tokenType": "Bearer",
            "expiryTimeUtc": int(expiry),
            "refreshAfterTimeUtc": int(expiry - (TOKEN_SECONDS - REFRESH_SECONDS)),
        },
    )
