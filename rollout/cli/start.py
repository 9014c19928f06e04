"""Where the command `rollout` begins: what must be said before anything heavy is imported, so that it starts fast."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from types import FrameType, ModuleType
from typing import Any


def main() -> int:
    """Run the command line; returns the exit code. `LazyGroup` lets the collector run again."""
    gc.disable()  # importing makes next to no garbage, and looking for it takes a fifth of the start
    signal.signal(signal.SIGTERM, _terminated)  # before and behind the event loop, which has a handler of its own
    _Later("importlib.metadata")  # pydantic imports it to look for plugins, which are switched off (`main`)
    from rollout.cli.main import main as run

    code = run()
    if code in (128 + signal.SIGINT, 128 + signal.SIGTERM):
        _leave(code)
    return code


class _Later(ModuleType):
    """Stands for a module that others import and hardly anybody uses, until somebody asks for something in it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        if name not in sys.modules:
            parent, _, child = name.rpartition(".")
            setattr(import_module(parent), child, self)
            sys.modules[name] = self

    def __getattr__(self, wanted: str) -> Any:
        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return getattr(import_module(name), wanted)


def _terminated(number: int, frame: FrameType | None) -> None:
    from rollout.cli.exits import Terminated

    raise Terminated


def _leave(code: int) -> None:
    """End without waiting for threads: one of the SDK's may hang in an upload."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
