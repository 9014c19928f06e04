"""One `diff` over a folder's plans: `python -m benchmarks.fleet_throttled FOLDER` prints its seconds.

A plan that is not in sync, or that an answer with 429 has kept from being looked at, is an error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.fleet_pass import ours, used
from rollout.cli.many import chosen

if __name__ == "__main__":
    plans = chosen([Path(sys.argv[1])], "emulator", None).mine
    print(json.dumps(used(lambda: ours(plans))[1]))
