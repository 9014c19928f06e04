"""What is known of all scoring requests: counts and latencies by minute, and the latest requests one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rollout.emulator.metrics import Metrics
from rollout.emulator.monitor.records import Scored, TrafficLog


class Telemetry:
    """Counts and lines of all endpoints; `clock` gives the service's time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.metrics = Metrics(clock)
        self.log = TrafficLog()

    def record(self, line: Scored) -> None:
        """Note one answered request."""
        self.log.add(line)
        self.metrics.record(
            line.endpoint,
            line.deployment,
            line.status,
            line.duration_ms / 1000,
            model_status=line.model_status,
            mirrored=line.mirrored,
            at=line.at,
        )
