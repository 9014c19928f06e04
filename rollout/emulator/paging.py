"""Lists in pages, and the filters that several lists share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rollout.emulator.answers import Answer, JsonObject, plain

NextLink = Callable[[Mapping[str, str]], str]
"""From the parameters that change to the address of the next page."""


def page(docs: Sequence[JsonObject], query: Mapping[str, str], next_link: NextLink | None = None) -> Answer:
    """A page by `$skip` and `$top` (or `count`); with a link to the next one, if there is one and links are given."""
    start, size = number(query, "$skip"), number(query, "$top") or number(query, "count")
    end = start + size if size else len(docs)
    body: JsonObject = {"value": list(docs[start:end])}
    if next_link is not None and end < len(docs):
        body["nextLink"] = next_link({"$skip": str(end)})
    return Answer(200, body)


def number(query: Mapping[str, str], name: str) -> int:
    """A parameter that counts; 0 where it is missing. Raises `Rejected` (400)."""
    text = query.get(name) or "0"
    if not text.isdecimal():
        raise plain(
            400, "InvalidRequestContent", f"The value '{text}' of the query parameter '{name}' is not a number."
        )
    return int(text)


def tagged(docs: Sequence[JsonObject], query: Mapping[str, str]) -> list[JsonObject]:
    """Those with all the tags (`tags`) and properties (`properties`) that are asked for: `a,b=c`."""
    tags, properties = _pairs(query.get("tags")), _pairs(query.get("properties"))
    return [doc for doc in docs if _has(_tags(doc), tags) and _has(doc["properties"].get("properties"), properties)]


def _tags(doc: JsonObject) -> Mapping[str, str] | None:
    found: Mapping[str, str] | None = doc["tags"] if "tags" in doc else doc["properties"].get("tags")
    return found


def _pairs(text: str | None) -> list[tuple[str, str | None]]:
    parts = [part.strip().partition("=") for part in (text or "").split(",") if part.strip()]
    return [(name, value if sign else None) for name, sign, value in parts]


def _has(given: Mapping[str, str] | None, wanted: Sequence[tuple[str, str | None]]) -> bool:
    known = given or {}
    return all(name in known and value in (None, known[name]) for name, value in wanted)


def viewed(doc: JsonObject, query: Mapping[str, str]) -> bool:
    """Whether `listViewType` shows an asset: what is active (also when nothing is said), archived, or all."""
    archived = bool(doc["properties"].get("isArchived"))
    return {"ArchivedOnly": archived, "All": True}.get(query.get("listViewType", ""), not archived)


def ordered(docs: Sequence[JsonObject], order: str) -> list[JsonObject]:
    """By time of creation or of change, rising or falling (`CreatedAtDesc`, …); otherwise as they are."""
    fields = {"createdat": "createdAt", "updatedat": "lastModifiedAt"}
    name = order.lower().removesuffix("desc").removesuffix("asc").strip()
    if name not in fields:
        return list(docs)
    return sorted(docs, key=lambda doc: str(doc["systemData"][fields[name]]), reverse=order.lower().endswith("desc"))
