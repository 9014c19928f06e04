"""The expressions of workflows, as far as ours use them: contexts, literals, comparison, logic, status functions.

https://docs.github.com/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)|(?P<sign>[=!]=|&&|\|\||[!()]))"
)
TEMPLATE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
FUNCTIONS = ("success", "always", "failure", "cancelled")


class Expression:
    """One expression over its contexts; `status` is how the job or the steps before stand."""

    def __init__(self, text: str, contexts: Mapping[str, Any], status: str = "success") -> None:
        self._tokens = tokens(text)
        self._contexts = contexts
        self._status = status
        self._at = 0

    def value(self) -> Any:
        """What it says."""
        found = self._either()
        assert self._at == len(self._tokens), f"not understood: {self._tokens[self._at :]}"
        return found

    def _next(self, *signs: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at] in signs:
            self._at += 1
            return self._tokens[self._at - 1]
        return ""

    def _either(self) -> Any:
        left = self._both()
        while self._next("||"):
            right = self._both()
            left = left if truth(left) else right
        return left

    def _both(self) -> Any:
        left = self._compared()
        while self._next("&&"):
            right = self._compared()
            left = right if truth(left) else left
        return left

    def _compared(self) -> Any:
        left = self._one()
        while sign := self._next("==", "!="):
            same = text(left).lower() == text(self._one()).lower()
            left = same == (sign == "==")
        return left

    def _one(self) -> Any:
        if self._next("!"):
            return not truth(self._one())
        if self._next("("):
            found = self._either()
            assert self._next(")"), "a parenthesis is open"
            return found
        word = self._tokens[self._at]
        self._at += 1
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if word in ("true", "false"):
            return word == "true"
        if word in FUNCTIONS:
            assert self._next("("), f"{word} is called"
            assert self._next(")"), f"{word} takes nothing"
            return word == "always" or word == self._status
        return self._looked_up(word)

    def _looked_up(self, path: str) -> Any:
        first, *names = path.split(".")
        assert first in self._contexts, f"there is no context {first} here"
        found = self._contexts[first]
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return "" if found is None else found


def tokens(expression: str) -> list[str]:
    """Its words and signs."""
    found, at = [], 0
    expression = expression.strip()
    while at < len(expression):
        match = TOKEN.match(expression, at)
        assert match, f"not understood: {expression[at:]}"
        found.append(match.group().strip())
        at = match.end()
    return found


def condition(written: Any, contexts: Mapping[str, Any], status: str) -> bool:
    """An `if:`; without a function about the status it also asks for success."""
    source = str(written).strip()
    inner = TEMPLATE.fullmatch(source)
    source = inner[1] if inner else source
    told = bool(re.search(rf"\b({'|'.join(FUNCTIONS)})\(", source))
    return (told or status == "success") and truth(Expression(source, contexts, status).value())


def filled(written: Any, contexts: Mapping[str, Any], status: str = "success") -> str:
    """A text with its expressions replaced."""
    return TEMPLATE.sub(lambda found: text(Expression(found[1], contexts, status).value()), text(written))


def truth(value: Any) -> bool:
    """As GitHub has it: empty text, false, zero and nothing are false."""
    return bool(value)


def text(value: Any) -> str:
    """As GitHub writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
