"""Record `rollout status --watch` as a picture: `python -m tests.dashboard.record` writes docs/images/status-watch.svg.

What it shows is real: a rollout at 10 % on an emulator, two hours of requests, judged.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from rollout.cli.session import load, opened, place_of
from rollout.cli.sight import story
from rollout.cli.watching import picture
from rollout.render.story import Story
from tests.dashboard.bench import REPOSITORY, Site, site

FILE: Final = REPOSITORY / "docs" / "images" / "status-watch.svg"
WIDTH: Final = 104


def main() -> int:
    """Make the rollout, look at it once, draw."""
    with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as here:
        plan = here.at_ten("house-prices")
        told = asyncio.run(_look(here, plan))
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(picture(told))
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(console.export_svg(title="rollout status --watch", unique_id="watch"), encoding="utf-8")
    return 0


async def _look(here: Site, plan: Path) -> Story:
    os.environ["ROLLOUT_STATE_DIR"] = str(here.state)
    loaded = load(plan)
    async with opened(place_of(loaded, "emulator")) as session:
        return await story(session, loaded)


if __name__ == "__main__":
    sys.exit(main())
