"""The display on a terminal, drawn into a buffer."""

from __future__ import annotations

import io

from rich.console import Console

from rollout.core.decision import Roles
from rollout.core.observed import weights
from rollout.render.live import LiveBoard, traffic_bar
from rollout.runner import Finished, Looked, Started
from tests.render import worlds
from tests.render.test_log import SCALE
from tests.worlds.history import finish
from tests.worlds.plane import NAME

ROLES = Roles(stable="blue", candidate="green")


def test_the_bar_is_split_like_the_traffic() -> None:
    """Stable full, candidate shaded, so that it can be read without colour."""
    bar = traffic_bar(weights({"green": 10, "blue": 90}), ROLES)
    assert bar.plain == "  " + "█" * 36 + "▒" * 4 + "  blue 90, green 10"
    assert traffic_bar(weights({}), ROLES).plain == "  " + "·" * 40 + "  none"


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
