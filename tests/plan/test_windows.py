"""When windows are and when they open: the table of windows.yaml, and the law that the stricter reading counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.policy import ACTIVITIES, Activity, Policy, Window
from rollout.core.policy_windows import closed
from rollout.plan.durations import parse_duration
from rollout.plan.loader import load_file
from rollout.plan.policy_calendar import Expanded, Times, expanded
from rollout.plan.policy_models import HolidaysModel, WindowModel

TABLE: dict[str, Any] = load_file(Path(__file__).with_name("windows.yaml")).data
PAGE = Path(__file__).parents[2] / "docs/policy.md"
YEAR = 2026


def _model(data: dict[str, Any]) -> WindowModel:
    return WindowModel.model_validate({"name": "it", **data})


def _said(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M}" if moment.year == YEAR else f"{moment:%y-%m-%d %H:%M}"


@pytest.mark.parametrize("row", TABLE["zones"], ids=lambda row: f"{row['zone']}: {row['what']}")
def test_times_of_a_window(row: dict[str, Any]) -> None:
    """Begins and ends of the year, as instants."""
    calendars = {"team": HolidaysModel.model_validate(row.get("calendar", {}))}
    found = expanded(Times(_model({**row["window"], "zone": row["zone"]}), calendars), YEAR)
    assert [f"{_said(span.start)} → {_said(span.end)}" for span in found] == row["times"]


def _policy(files: Sequence[Sequence[dict[str, Any]]]) -> Policy:
    models = [(layer, _model(data)) for layer, windows in enumerate(files) for data in windows]
    windows = tuple(
        Window(
            name=model.name,
            opens=model.allow is not None,
            activities=model.allow or model.deny or (),
            layer=layer,
            whole=model.fit == "whole",
        )
        for layer, model in models
    )
    return Policy(windows=windows, calendar=Expanded(tuple(Times(model, {}) for _, model in models)))


ASKS = [(row, ask) for row in TABLE["overlaps"] for ask in row["asks"]]


@pytest.mark.parametrize(("row", "ask"), ASKS, ids=[f"{row['what']}, {ask['at']} {ask['takes']}" for row, ask in ASKS])
def test_whether_it_is_open(row: dict[str, Any], ask: dict[str, Any]) -> None:
    """Open, or until when it waits."""
    policy = _policy(row.get("files") or [row["windows"]])
    at = datetime.fromisoformat(ask["at"]).replace(tzinfo=UTC)
    shut = closed(policy, ask.get("of", "advance"), at, parse_duration(ask["takes"]))
    answer = "open" if shut is None else "never" if shut.until is None else _said(shut.until)
    assert answer == ask["is"]


@pytest.mark.parametrize(
    ("at", "takes", "why"),
    [
        ("2026-02-02T12:10", 0, "closed by `lunch`"),
        ("2026-02-02T11:30", 3600, "`lunch` closes at 2026-02-02 12:00:00Z, before it would end"),
        ("2026-02-02T07:00", 0, "outside of `days`"),
        ("2026-02-02T17:30", 3600, "`days` closes at 2026-02-02 18:00:00Z, before it would end"),
    ],
)
def test_why_it_is_closed(at: str, takes: float, why: str) -> None:
    """The window's name, and what would go wrong."""
    row = next(each for each in TABLE["overlaps"] if each["what"] == "what denies beats what allows")
    shut = closed(_policy([row["windows"]]), "advance", datetime.fromisoformat(at).replace(tzinfo=UTC), takes)
    assert shut is not None
    assert shut.why == why


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca")
walls = st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 29))  # noqa: DTZ001 - on the wall


@settings(max_examples=100, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    begin=walls,
    minutes=st.integers(1, 3 * 24 * 60),
    opens=st.booleans(),
    after=st.integers(-200, 3 * 24 * 60 + 200),
)
def test_the_stricter_reading_counts(zone: str, begin: datetime, minutes: int, opens: bool, after: int) -> None:
    """A clock on the wall there agrees at any instant: what it shows as inside is denied, and what is allowed it shows
    as inside."""
    there = ZoneInfo(zone)
    begin = begin.replace(second=0, microsecond=0)
    end = begin + timedelta(minutes=minutes)
    times = {"from": begin.isoformat(), "until": end.isoformat(), "zone": zone}
    model = _model({**times, "allow" if opens else "deny": ["start"]})
    spans = [span for year in (2025, 2026, 2027) for span in expanded(Times(model, {}), year)]
    instant = begin.replace(tzinfo=there).astimezone(UTC) + timedelta(minutes=after)
    clock = instant.astimezone(there).replace(tzinfo=None)
    inside = any(span.start <= instant < span.end for span in spans)
    if opens:
        assert not inside or begin <= clock < end
    else:
        assert inside or not begin <= clock < end


@settings(max_examples=60, deadline=None)
@given(data=st.data(), at=walls, takes=st.integers(0, 100_000), activity=st.sampled_from(ACTIVITIES))
def test_it_is_open_when_it_says_so_and_not_before(
    data: st.DataObject, at: datetime, takes: int, activity: Activity
) -> None:
    """At the opening it may be done; at no turn between now and then may it."""
    entry = st.fixed_dictionaries(
        {
            "from": walls.map(lambda wall: f"{wall:%Y-%m-%dT%H:%M}"),
            "for": st.integers(1, 200).map(lambda hours: f"{hours}h"),
            "every": st.sampled_from(["FREQ=DAILY;INTERVAL=9", "FREQ=WEEKLY;BYDAY=MO,FR", "FREQ=MONTHLY"]),
            "zone": st.sampled_from(ZONES),
            "fit": st.sampled_from(["whole", "begin"]),
        }
    )
    files = [
        [{**one, data.draw(st.sampled_from(["allow", "deny"])): [activity]} for one in windows]
        for windows in data.draw(st.lists(st.lists(entry, max_size=2), max_size=2))
    ]
    policy = _policy(files)
    now = at.replace(tzinfo=UTC)
    shut = closed(policy, activity, now, takes)
    if shut is not None and shut.until is not None:
        assert closed(policy, activity, shut.until, takes) is None
        for part in (0.1, 0.5, 0.9, 0.999):
            assert closed(policy, activity, now + (shut.until - now) * part, takes) is not None
    if not files:
        assert shut is None


def table() -> str:
    """The table as docs/policy.md shows it."""
    rows = ["| zone | what | begin → end in UTC, 2026 |", "|---|---|---|"]
    rows += [f"| {row['zone']} | {row['what']} | {'; '.join(row['times']) or 'not at all'} |" for row in TABLE["zones"]]
    rows += ["", "| what | at (UTC) | takes | answer |", "|---|---|---|---|"]
    for row, ask in ASKS:
        of = f" ({ask['of']})" if "of" in ask else ""
        answer = ask["is"] if ask["is"] in ("open", "never") else f"waits until {ask['is']}"
        rows.append(f"| {row['what']} | {ask['at'].replace('T', ' ')} | {ask['takes']}{of} | {answer} |")
    return "\n".join(rows) + "\n"


def test_the_page_shows_the_table() -> None:
    """`python -m tests.plan.test_windows` prints it."""
    assert table() in PAGE.read_text()


if __name__ == "__main__":
    print(table(), end="")
