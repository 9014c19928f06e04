"""Where the command `rollout` begins: what must be said before anything heavy is imported, so that it starts fast."""

from __future__ import annotations

import gc


def main() -> int:
    """Run the command line; returns the exit code. `LazyGroup` lets the collector run again."""
    gc.disable()  # importing makes next to no garbage, and looking for it takes a fifth of the start
    from rollout.cli.main import main as run

    return run()
