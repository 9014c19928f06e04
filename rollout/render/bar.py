"""How many of many plans are done, as a bar on a terminal; what is written meanwhile appears above it."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rollout.render.document import Pass
from rollout.render.harmless import line


class Bar:
    """Hears of every plan that is done. The bar is gone at the end: the result has the last word."""

    def __init__(self, title: str, total: int, stream: TextIO) -> None:
        self._failed = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream, highlight=False),
            transient=True,
        )
        self._task = self._progress.add_task(line(title), total=total, failed="")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, told: Pass) -> None:
        """One more is done."""
        self._failed += told.status == "error"
        self._progress.update(self._task, advance=1, failed=f"{self._failed} failed" if self._failed else "")
