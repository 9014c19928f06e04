"""What an answer of the service says went wrong: one value from any of its envelopes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from rollout.azure.secret import scrub

_VALIDATION: Final = re.compile(r'"errors":\s*(\{.*\})\s*,\s*"title"', re.DOTALL)
_TITLE: Final = re.compile(r'^\{+"title":\s*"([^"]*)"\}+$')
_TAG: Final = re.compile(r"<[^>]*>")
_LONGEST: Final = 2000


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """`codes`: the outer code first, then those of its details and inner errors. `message` holds no secret."""

    codes: tuple[str, ...] = ()
    message: str = ""
    status: int = 0
    after: float | None = None

    @property
    def code(self) -> str:
        """The code that says most: the first that is not a mere envelope."""
        telling = (code for code in self.codes if code not in ENVELOPES)
        return next(telling, self.codes[0] if self.codes else f"Http{self.status}")


ENVELOPES: Final = frozenset({"UserError", "BadRequest", "InferencingClientCallFailed", "ServiceError"})
"""Codes that only say "see inside"."""


def read_problem(body: Any, *, status: int = 0, after: float | None = None) -> Problem:
    """The problem in the body of an answer: ARM's `error`, a bare error, or plain text."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return Problem(message=_clean(str(error or body or "")), status=status, after=after)
    return Problem(
        codes=tuple(dict.fromkeys(_codes(error))), message=_clean(_message(error)), status=status, after=after
    )


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    if code := error.get("code"):
        yield str(code)
    for detail in _mappings(error.get("details")):
        yield from _codes(detail)
    for info in _mappings(error.get("additionalInfo")):
        if info.get("type") == "InnerError" and isinstance(info.get("info"), Mapping):
            inner = info["info"].get("value")
            yield from _codes(inner) if isinstance(inner, Mapping) else ()
    for inner in _mappings([error.get("innerError"), error.get("innererror")]):
        yield from _codes(inner)


def _message(error: Mapping[str, Any]) -> str:
    """The innermost sentence: "The request is invalid." hides the one that helps in its details."""
    inside = [_validation(str(detail.get("message") or "")) for detail in _mappings(error.get("details"))]
    inside += [f"(policy: {name})" for name in _policies(error)]
    outer = _validation(str(error.get("message") or ""))
    useful = [text for text in inside if text]
    if not useful:
        return outer
    vague = outer in ("", "The request is invalid.")
    return " ".join(useful if vague else [outer, *useful])


def _policies(error: Mapping[str, Any]) -> Iterator[str]:
    """The names of the policies that forbid a request (`RequestDisallowedByPolicy`), as people know them."""
    for info in _mappings(error.get("additionalInfo")):
        told = info.get("info")
        if info.get("type") == "PolicyViolation" and isinstance(told, Mapping):
            names = ("policyAssignmentDisplayName", "policyDefinitionDisplayName", "policyDefinitionName")
            found = dict.fromkeys(str(told[name]) for name in names if told.get(name))
            yield ", ".join(found)


def _validation(message: str) -> str:
    """The sentences in a "double-braced" validation error, or the message as it is."""
    plain = message.replace("{{", "{").replace("}}", "}")
    match = _VALIDATION.search(plain)
    if match is None:
        title = _TITLE.match(plain)
        return title[1] if title else message
    try:
        errors = msgspec.json.decode(match[1], type=dict[str, list[str]])
    except msgspec.MsgspecError:
        return message
    return " ".join(sentence for sentences in errors.values() for sentence in sentences)


def _mappings(values: Any) -> Iterator[Mapping[str, Any]]:
    yield from (value for value in values or () if isinstance(value, Mapping))


def _clean(text: str) -> str:
    shown = _TAG.sub(" ", text) if text.lstrip().startswith("<") else text  # a proxy's page
    one_line = " ".join(scrub(shown).split())
    return one_line if len(one_line) <= _LONGEST else one_line[:_LONGEST] + "…"
