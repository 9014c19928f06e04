"""docs/faults.md: what `rollout apply` says and does about each fault; written by the long form of the tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.faults.bench import Ended, Outcome

PAGE: Final = Path(__file__).parents[2] / "docs/faults.md"
HEAD: Final = """\
# Faults

Made by `make faults` (tests/faults): do not edit. Each fault that Microsoft's troubleshooting page names for online
endpoints, and what else goes wrong on the way, is provoked on the [emulator](emulator.md) by its preset of that name
(`rollout emulator fault`) while a release with a smoke test goes on; then the same `rollout apply` runs again without
it. `make test` does a sample of the table again.

What `rollout` makes of a fault depends on what is at fault:

* **What is deployed** (the image, the script, the model, its answers): this goal failed. Stable serves on, the failed
  candidate is kept for a look, and the goal is not tried again until the candidate or the gate changes, or somebody
  says `rollout retry`.
* **What is around it** (quota, policy, permissions, network, cluster, the service itself): nothing is held against the
  goal. A deployment that failed for that is taken away, the exit code says what kind of trouble it is, and the next run
  goes on.
* **A moment's trouble** (throttling, lost or late answers): got over within the run.

Exit codes: 0 done or waiting as planned, 1 error, 4 a gate failed, 6 refused, 9 sign-in or permission, 10 held.
"""
_COLUMNS: Final = (
    "fault",
    "what the service says",
    "exit",
    "what `rollout apply` says",
    "what is left",
    "the next run",
)
_NAMED: Final = re.compile(r"\bdeploy (?:blue|green)\b|^(?:blue|green)(?= serves)")


def page(outcomes: Iterable[Outcome]) -> str:
    """The whole page."""
    parts = [HEAD]
    for group, rows in groupby(outcomes, lambda outcome: outcome.fault.group):
        parts += [f"\n## {group}\n", _line(_COLUMNS), _line(["---"] * len(_COLUMNS)), *map(line, rows)]
    return "\n".join(parts) + "\n"


def line(outcome: Outcome) -> str:
    """One fault's line."""
    fault = outcome.fault
    cells = (
        f"`{fault.id}`",
        fault.what,
        fault.source,
        str(outcome.struck.code),
        _said(outcome.struck),
        outcome.left,
        _next(outcome),
    )
    return _line(cells)


def _said(ended: Ended) -> str:
    """The complaint; else why it waits or holds; else that there was nothing to say."""
    if ended.complaint:
        return "<br>".join(f"`{_plain(text)}`" for text in ended.complaint)
    if ended.status == "done":
        return "nothing: it is got over"
    return f"`{_plain(ended.verdict or ended.reason)}`"


def _next(outcome: Outcome) -> str:
    after = outcome.after
    if after.status == "done":
        return "finishes" if outcome.struck.status != "done" else "finds nothing to do"
    return f"exit {after.code}: `{_plain(after.reason)}`"


def _plain(text: str) -> str:
    """Without what differs from run to run: which slot the candidate has."""
    named = _NAMED.sub(lambda found: found[0].replace("blue", "green"), text)
    return named.removeprefix("error: ").replace("`", "'")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
