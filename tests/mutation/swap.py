"""Puts a mutant into a function that is already imported, by its code: whoever holds that function runs the mutant."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any

from tests.mutation.mutants import Mutant


def put_in(mutant: Mutant) -> bool:
    """Replace the code of the mutated function. False where nothing is changed by it: the same instructions.

    Raises SyntaxError where the mutant is no Python.
    """
    name = mutant.function
    module = importlib.import_module(mutant.module)
    new = _codes(compile(mutant.source, module.__file__ or "", "exec", dont_inherit=True))
    function = _function(module, outermost(name, set(new)))
    changed = new[function.__code__.co_qualname]
    if changed == function.__code__:
        return False
    function.__code__ = changed
    return True


def outermost(name: str, known: set[str]) -> str:
    """The longest part of a dotted name that is a function of the module: what is in it comes with it."""
    parts = name.split(".")
    return next(part for part in (".".join(parts[: end + 1]) for end in range(len(parts))) if part in known)


def _codes(code: CodeType, within: str = "") -> dict[str, CodeType]:
    """The functions of a module and of its classes, by qualified name."""
    found: dict[str, CodeType] = {}
    for one in code.co_consts:
        if isinstance(one, CodeType) and not one.co_name.startswith("<"):
            is_class = not one.co_flags & 0x2
            found |= _codes(one) if is_class else {one.co_qualname: one}
    return found


def _function(module: Any, name: str) -> FunctionType:
    """The function that does the work, below property, class method, cache and the like."""
    found = module
    for part in name.split("."):
        found = vars(found)[part]
    for layer in _layers(found):
        if isinstance(layer, FunctionType) and layer.__module__ == module.__name__:
            return layer
    raise LookupError(name)


def _layers(found: Any) -> Iterator[Any]:
    while found is not None:
        yield found if not hasattr(found, "__wrapped__") else None
        if isinstance(found, property):
            found = found.fget
        elif isinstance(found, cached_property):
            found = found.func
        else:
            found = getattr(found, "__func__", None) or getattr(found, "__wrapped__", None)
