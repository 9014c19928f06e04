"""An emulator without scoring processes, whose traffic is made up."""

from __future__ import annotations

from tests.emulator.control.conftest import Arm, arm, server

__all__ = ["Arm", "arm", "server"]
