"""A document as JSON text, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from rollout.errors import UsageError
from rollout.render import harmless
from rollout.render.document import AnyDocument


def shortened(text: str, most: int = 200_000) -> str:
    """A message with a log behind it: its beginning, which says what happened, and its end."""
    if len(text) <= most:
        return text
    return f"{text[: most // 4]}\n{harmless.MORE}\n{text[-most // 2 :]}"


def encode(document: AnyDocument) -> str:
    """Indented JSON text with a newline at its end; harmless on a terminal and in the log of a runner."""
    return to_json(document)


def to_json(found: Any) -> str:
    """The same for any value of plain parts."""
    return harmless.json_text(msgspec.json.format(_encoded(found), indent=2).decode()) + "\n"


def to_line(found: Any) -> str:
    """The same in one line, with its end."""
    return harmless.json_text(_encoded(found).decode()) + "\n"


def decode(text: str | bytes, name: str = "the document") -> AnyDocument:
    """Read a saved document. Raises UsageError: not one, or of another major version."""
    try:
        found: AnyDocument = msgspec.json.decode(text, type=AnyDocument)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{name} is not a document of this version of rollout: {error}",
            hint="it is what `--output json=FILE` or `diff --out FILE` writes",
        ) from error
    return found


def _encoded(found: Any) -> bytes:
    try:
        return msgspec.json.encode(found)
    except UnicodeEncodeError:
        return msgspec.json.encode(_sound(msgspec.to_builtins(found)))


def _sound(found: Any) -> Any:
    """Without lone surrogates, however deep."""
    match found:
        case str():
            return harmless.unicode(found)
        case dict():
            return {_sound(key): _sound(value) for key, value in found.items()}
        case list() | tuple():
            return [_sound(value) for value in found]
        case _:
            return found
