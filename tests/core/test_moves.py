"""Whose writes the service's log tells: ours, by our own record, or somebody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.core.moves import Move, last_foreign, our_writes
from rollout.core.observed import Deployment, Endpoint
from rollout.core.progress import Progress, remember, to_tags
from rollout.core.stamp import born_stamp
from tests.cases.world import at


def test_our_writes_are_those_on_record() -> None:
    """Each line of history, and the creation of each deployment that carries our stamp; in order."""
    record = remember(remember(Progress(plan="house"), at(5), "started"), at(30), "promoted green")
    born = [born_stamp(at(20)), None, "by hand"]
    live = tuple(Deployment(name=f"{n}", state="Succeeded", count=1, born=one) for n, one in enumerate(born))

    assert our_writes(Endpoint(name="house", tags=to_tags(record), deployments=live)) == (at(5), at(20), at(30))
    assert our_writes(Endpoint(name="house", tags={"rollout.plan": "edited"})) == ()


@pytest.mark.parametrize(
    ("seconds", "ours"), [(-1, False), (0, True), (60, True), (300, True), (301, False)], ids=lambda value: f"{value}"
)
def test_what_is_logged_soon_after_a_write_of_ours_is_ours(seconds: int, ours: bool) -> None:
    """Within five minutes: it is logged when accepted and when it ends. What came before is not ours."""
    move = Move(at=at(10) + timedelta(seconds=seconds), who="somebody")

    assert last_foreign([move], [at(10), at(60)]) == (None if ours else move)


def test_the_newest_foreign_move_is_told() -> None:
    """In whatever order the log tells them; none where nobody else moved anything."""
    first, last = Move(at=at(20), who="ann"), Move(at=at(40), who="bob")
    mine = Move(at=at(50), who="our pipeline")

    assert last_foreign([last, mine, first], [at(50)]) == last
    assert last_foreign([mine], [at(50)]) is None
    assert last_foreign([], []) is None
