"""`${NAME}` in a plan or an overlay → the value of a declared variable. Nothing undeclared, nothing silently empty."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rollout.errors import Fault
from rollout.plan.positions import Path, Source
from rollout.plan.repository import FILE, LONGEST, VARIABLE, Repository

if TYPE_CHECKING:
    from rollout.plan.repository_model import VariableModel

MOST: Final = 1000
"""References in one file: a limit for hostile files."""
_REFERENCE: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_KINDS: Final = {"whole": "a whole number", "truth": "true or false"}
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}\Z")
_WORDS: Final = {"true": True, "false": False}

Value = str | int | bool


class Used(msgspec.Struct, frozen=True, gc=False):
    """A variable that a plan uses: its value, and where that comes from."""

    name: str
    value: Value
    origin: str

    def __str__(self) -> str:
        return f"${{{self.name}}} = {json.dumps(self.value, ensure_ascii=False)}  ({self.origin})"


class Replacer(msgspec.Struct):
    """Replaces the references of one file; what it used is in `used`, by the path of the value. `given` are values
    that a fleet gives its member: they count before the environment's."""

    source: Source
    repository: Repository
    environment: Mapping[str, str]
    faults: list[Fault]
    given: Mapping[str, Used] = {}
    used: dict[Path, tuple[Used, ...]] = {}
    count: int = 0

    def replace(self, data: Any) -> Any:
        """The data with every reference replaced. Files without any are given back as they are."""
        return self._walk((), data) if "${" in self.source.text else data

    def _walk(self, path: Path, value: Any) -> Any:
        if isinstance(value, Mapping):
            for key in value:
                if "${" in key:
                    self._add("PLAN114", (*path, key), f"`{key}` is a key: variables stand in values only", key=True)
            return {key: self._walk((*path, key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._walk((*path, index), item) for index, item in enumerate(value)]
        return self._text(path, value) if isinstance(value, str) and "${" in value else value

    def _text(self, path: Path, text: str) -> Value:
        parts: list[str | Used] = []
        end = 0
        for match in _REFERENCE.finditer(text):
            parts.append(text[end : match.start()])
            end = match.end()
            parts.append("${" if match[1] is None else self._reference(path, match) or match[0])
        parts.append(text[end:])
        kept = [part for part in parts if part != ""]
        used = tuple(part for part in kept if isinstance(part, Used))
        if used:
            self.used[path] = tuple(dict.fromkeys(used))
        if len(kept) == 1 and used:
            return used[0].value
        return "".join(show(part.value) if isinstance(part, Used) else part for part in kept)

    def _reference(self, path: Path, match: re.Match[str]) -> Used | None:
        name = match[1]
        self.count += 1
        if self.count > MOST:
            if self.count == MOST + 1:
                self._add("PLAN008", path, f"more than {MOST} variables are used", "a file of reasonable size")
            return None
        if not VARIABLE.match(name) or not match[0].endswith("}"):
            shown = match[0][:40]
            self._add("PLAN109", path, f"`{shown}` is not a variable", "`${NAME}`", "write `$${` for a literal `${`")
            return None
        declared = self.repository.variables.get(name)
        if declared is None:
            self._undeclared(path, name)
            return None
        return self.given.get(name) or self._value(path, name, declared)

    def _undeclared(self, path: Path, name: str) -> None:
        known = sorted(self.repository.variables)
        close = difflib.get_close_matches(name[:80], known, 1)
        expected = "one of " + ", ".join(known) if known else f"a name below `variables:` in {FILE}"
        hint = f"did you mean `{close[0]}`?" if close else "write `$${` for a literal `${`"
        self._add("PLAN109", path, f"the variable `{name[:40]}` is not declared", expected, hint)

    def _value(self, path: Path, name: str, declared: VariableModel) -> Used | None:
        given = self.environment.get(declared.from_env or "", "")
        if given:
            return self._from_environment(path, name, declared, given)
        value = declared.default
        if value is None or value == "":
            variable = (
                f"the environment variable {declared.from_env} is not set" if declared.from_env else "it has no default"
            )
            self._add("PLAN113", path, f"the variable `{name}` has no value: {variable}", "a value that is not empty")
            return None
        if declared.type is not None and declared.type != kind(value):
            self._add("PLAN113", path, f"the default of `{name}` is not {_KINDS.get(declared.type, 'text')}")
            return None
        source = self.repository.source
        assert source is not None, "a variable is declared in a file"
        line = source.fault("PLAN113", ("variables", name), "").line
        return Used(name, value, f"{source.file}:{line}")

    def _from_environment(self, path: Path, name: str, declared: VariableModel, given: str) -> Used | None:
        wanted = declared.type or (kind(declared.default) if declared.default is not None else "text")
        value = _typed(given, wanted) if len(given) <= LONGEST else None
        if value is None:
            what = _KINDS.get(wanted, f"a text of at most {LONGEST} characters")
            self._add("PLAN113", path, f"the environment variable {declared.from_env} (`${{{name}}}`) is not {what}")
            return None
        return Used(name, value, f"environment variable {declared.from_env}")

    def _add(
        self, code: str, path: Path, message: str, expected: str = "", hint: str = "", *, key: bool = False
    ) -> None:
        self.faults.append(self.source.fault(code, path, message, expected=expected, hint=hint, key=key))


def kind(value: Value) -> str:
    """`text`, `whole` or `truth`."""
    return "truth" if isinstance(value, bool) else "whole" if isinstance(value, int) else "text"


def show(value: Value) -> str:
    """A value inside a longer text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed(text: str, wanted: str) -> Value | None:
    if wanted == "truth":
        return _WORDS.get(text.lower())
    if wanted == "whole":
        return int(text) if _WHOLE.match(text) else None
    return text
