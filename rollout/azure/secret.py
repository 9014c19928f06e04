"""Values that must never be seen: a type that does not show them, and a filter for text that others wrote."""

from __future__ import annotations

import re
from typing import Final

_HIDDEN: Final = "***"
_PATTERNS: Final = (
    re.compile(r"(?i)(\b(?:sig|code|client_secret|client_assertion|password)=)[^&\s\"']+"),
    re.compile(r"(?i)(\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)=)[^;\s\"']+"),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)(\"?\b(?:primaryKey|secondaryKey|accessToken|access_token|sasUri)\"?\s*[:=]\s*\"?)[^\"\s,}]+"),
    re.compile(r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"),
)


class Secret:
    """A key or a token. `reveal()` is the only way to its value; text forms and pickles do not have it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one header or call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN})"

    def __str__(self) -> str:
        return _HIDDEN

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be pickled")


def scrub(text: str) -> str:
    """`text` with everything that looks like a key, a signature or a token replaced by `***`."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{_HIDDEN}", text)
    return text
