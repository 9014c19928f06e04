"""Who wants traces and metrics of the passes gets them: by OpenTelemetry's variables, with the extra `telemetry`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from rollout.cli.printing import say
from rollout.core.release import Release
from rollout.runner import Listener
from rollout.telemetry.signals import Signals, signals

if TYPE_CHECKING:  # only who wants it pays for it
    from rollout.telemetry.delivery import Delivery
    from rollout.telemetry.following import Instruments

_META: Final = "rollout.telemetry"


@contextmanager
def followed(release: Release, inner: Listener) -> Iterator[Listener]:
    """Around the run of the loop: who listens to it. `inner`, unless traces or metrics are wanted."""
    opened = _opened()
    if opened is None:
        yield inner
        return
    from rollout.telemetry.following import About, Following
    from rollout.telemetry.spans import parent

    delivery, numbers = opened
    about = About(release.name, release.endpoint.name, release.commit)
    with Following(delivery.tracer, parent(os.environ), numbers, about, inner) as following:
        yield following


def _opened() -> tuple[Delivery, Instruments] | None:
    """The command's way to the collector, which its end closes; None where nobody asks, or the extra is missing."""
    command, wanted = click.get_current_context(silent=True), signals(os.environ)
    if not wanted or command is None:
        return None
    if _META not in command.meta:
        command.meta[_META] = _begun(wanted, command)
    found: tuple[Delivery, Instruments] | None = command.meta[_META]
    return found


def _begun(wanted: Signals, command: click.Context) -> tuple[Delivery, Instruments] | None:
    try:
        from rollout.telemetry.delivery import Delivery
        from rollout.telemetry.following import Instruments
    except ImportError:
        return None
    try:
        delivery = Delivery(wanted, lambda text: say(f"warning: {text}", err=True))
    except ValueError as error:
        say(f"warning: no telemetry, a variable of OpenTelemetry's cannot be read: {error}", err=True)
        return None
    command.find_root().call_on_close(delivery.close)
    return delivery, Instruments(delivery.meter)
