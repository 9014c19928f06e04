"""The display on a terminal, drawn into a buffer."""

from __future__ import annotations

import io

from rich.console import Console

from rollout.core.verdict import Outcome, Verdict
from rollout.render.board import Board, drawn, of_look, split_bar
from rollout.render.document import Deployment, Roles
from rollout.render.live import LiveBoard
from rollout.runner import Finished, Looked, Started
from tests.render import worlds
from tests.render.test_log import SCALE
from tests.worlds.history import finish
from tests.worlds.plane import NAME


def test_the_bar_is_split_like_the_traffic() -> None:
    """Stable full, candidate shaded, so that it can be read without colour."""
    blue = Deployment(name="blue", state="Succeeded", instance_count=2, weight=90)
    green = Deployment(name="green", state="Succeeded", instance_count=1, weight=10)
    board = Board(roles=Roles(stable="blue", candidate="green"), deployments=(green, blue))
    assert split_bar(board).plain == "  " + "█" * 36 + "▒" * 4 + "  green 10, blue 90"
    assert split_bar(Board()).plain == "  " + "·" * 40 + "  none"


def test_the_board_shows_stages_traffic_and_the_operation() -> None:
    """All of it in one picture; what is over stays above it."""
    history = worlds.at_ten_percent()
    stream = io.StringIO()
    with LiveBoard("house", stream) as board:
        board(Looked(finish(history.plane.observe(NAME)), history.decision()))
        board(Started(SCALE))
        picture = io.StringIO()
        Console(file=picture, width=100).print(board._draw())
        board(Finished(SCALE))
    shown = picture.getvalue()
    assert "▒▒▒▒  blue 90, green 10" in shown
    assert "✓ 4-traffic-10   10 % to the candidate" in shown
    assert "scale green 1 → 2" in shown
    assert "done     scale green 1 → 2 (0s)" in stream.getvalue()


def test_evidence_is_drawn_as_it_comes() -> None:
    """Errors of both sides, minute by minute, and how far each question of the check has come."""
    check = {
        "check": "error_rate",
        "log_e_worse": 1.5,
        "alpha_worse": 0.05,
        "log_e_not_worse": 4.0,
        "alpha_not_worse": 0.05,
        "minutes": [["2026-01-01T12:00:00Z", 100, 1, 100, 0], ["2026-01-01T12:01:00Z", 100, 0, 100, 2]],
    }
    evidence = {"checks": [check], "sides": {"stable": "blue", "candidate": "green"}}
    history = worlds.at_ten_percent()
    said = Verdict(outcome=Outcome.INCONCLUSIVE, reason="", evidence=evidence)
    board = of_look(finish(history.plane.observe(NAME)), history.decision(), said)
    picture = io.StringIO()
    Console(file=picture, width=120).print(*drawn("house", board), sep="\n")
    shown = picture.getvalue()
    assert "├── blue  stable  Succeeded  1 × " in shown
    assert "errors blue     ▄▁  0.00%" in shown
    assert "errors green    ▁█  2.00%" in shown
    assert "error_rate: worse                ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌  50% of the evidence that is needed" in shown
    assert (
        "error_rate: not worse            ━━━━━━━━━━━━━━━━━━━━  100% of the evidence that is needed: reached" in shown
    )
