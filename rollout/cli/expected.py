"""What `--expect FILE` holds plans and fleets to: approved change sets, by the file that each is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rollout.cli.approving import Saved, document_in, read_saved

if TYPE_CHECKING:  # only where there is one: start-up time
    from rollout.cli.fleet_approving import SavedFleet


class Expected(msgspec.Struct, frozen=True):
    """Approved change sets by the file of their plan, or fleet; files are absolute."""

    plans: Mapping[Path, Saved] = {}
    fleets: Mapping[Path, SavedFleet] = {}

    def strangers(self, files: Sequence[Path]) -> list[Path]:
        """The files that something was approved of and that are not among these."""
        return sorted({*self.plans, *self.fleets} - {path.resolve() for path in files})


def expected(files: Sequence[Path]) -> Expected:
    """Raises UsageError for a file that holds no approved change set."""
    if not files:
        return Expected()
    from rollout.cli.fleet_approving import read_saved_fleet
    from rollout.render.document import Fleet

    mine = [path for path in files if isinstance(document_in(path), Fleet)]
    plans = [read_saved(path) for path in files if path not in mine]
    fleets = [read_saved_fleet(path) for path in mine]
    return Expected({one.plan.resolve(): one for one in plans}, {one.file.resolve(): one for one in fleets})
