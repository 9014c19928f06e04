"""The policy that applies to a plan, in words: its rules and windows with their places, and what stops the plan."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.render.document import Governing, PolicyWindow
from rollout.render.styled import Line, line, plural, spans


def policy_lines(policy: Governing | None) -> Iterator[Line]:
    """A section of its own, what stops the plan first."""
    if policy is None:
        return
    yield line()
    yield line("Policy", "title")
    for text in policy_problems(policy):
        yield spans(("  ! ", "bad"), (text, "bad"))
    if policy.break_glass:
        yield spans(("  ! break-glass: ", "warn"), (policy.break_glass, ""))
    for rule in policy.rules:
        yield line(f"  rule {rule.name}  {rule.where}", "dim")
    for window in policy.windows:
        yield line(f"  window {window.name}  {window.where}: {window_text(window)}", "dim")


def policy_problems(policy: Governing) -> list[str]:
    """Why nothing is done."""
    return [*([f"the line is stopped: {policy.stopped}"] if policy.stopped else []), *policy.broken]


def policy_summary(policy: Governing) -> str:
    """What applies, in a few words."""
    told = f"{plural(len(policy.rules), 'rule')}, {plural(len(policy.windows), 'window')}"
    return f"{told}; break-glass: {policy.break_glass}" if policy.break_glass else told


def window_text(window: PolicyWindow) -> str:
    """What it allows or denies."""
    return f"{'allows' if window.allows else 'denies'} {', '.join(window.activities)}"
