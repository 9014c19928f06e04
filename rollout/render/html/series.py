"""The charts of a story: who was to get how much and who got it, requests, errors, latencies. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from rollout.ports import Reading
from rollout.render.html.charts import Chart, Curve, Look, Point, chart, filled, number
from rollout.render.story import Story


def charts(story: Story) -> tuple[Chart, ...]:
    """All of them; none where nothing was served."""
    start, end = story.start, story.now
    if start is None or end is None or not story.readings:
        return ()
    first = start.replace(second=0, microsecond=0)
    return (_split(story, first, end), *_served(story, first, end))


def _served(story: Story, start: datetime, end: datetime) -> tuple[Chart, ...]:
    def curves(value: Callable[[Reading], float | None], otherwise: float | None) -> list[Curve]:
        return [
            Curve(
                name=name,
                look=look_of(story, name),
                points=tuple(
                    filled(
                        ((one.at, value(one)) for one in story.readings if one.deployment == name),
                        start,
                        end,
                        story.grain,
                        otherwise,
                    )
                ),
            )
            for name in names(story)
        ]

    minutes = story.grain / 60
    rate = curves(lambda one: one.requests / minutes, 0.0)
    errors = curves(lambda one: 100 * one.bad / one.requests if one.requests else None, None)
    slow = curves(lambda one: None if one.p95 is None else one.p95 * 1000, None)
    return (
        chart("requests", "Requests a minute", "", rate, start, end),
        chart("errors", "Errors", "%", errors, start, end, label=lambda value: f"{value:.2g} %"),
        chart("latency", "Latency, 95th percentile", "ms", slow, start, end),
    )


def _split(story: Story, start: datetime, end: datetime) -> Chart:
    """The candidate's share: as it was configured, and as it was measured."""
    name = subject(story)
    told = [(max(one.at, start), float(one.traffic.get(name, 0))) for one in story.splits]
    live = story.document.endpoint.traffic
    told = told or [(start, float(live.get(name, 0)))]
    configured = Curve(name=f"{name}, configured", look="configured", points=tuple(told), stepped=True)
    real = Curve(
        name=f"{name}, measured",
        look=look_of(story, name),
        points=tuple(filled(shares(story.readings, name), start, end, story.grain, None)),
    )
    return chart(
        "split", "Traffic split", "%", (configured, real), start, end, top=100, label=lambda v: f"{number(v)} %"
    )


def shares(readings: Iterable[Reading], name: str) -> list[Point]:
    """Which percentage of the requests of each span that deployment answered."""
    whole: dict[datetime, float] = {}
    mine: dict[datetime, float] = {}
    for one in readings:
        whole[one.at] = whole.get(one.at, 0.0) + one.requests
        if one.deployment == name:
            mine[one.at] = one.requests
    return [(at, 100 * mine.get(at, 0.0) / count) for at, count in sorted(whole.items()) if count]


def measured(story: Story, since: datetime, until: datetime) -> float | None:
    """The subject's share of the requests of the whole spans between, in percent; None where there were none."""
    each = timedelta(seconds=story.grain)
    counted = [one for one in story.readings if one.at >= since and one.at + each <= until]
    whole = sum(one.requests for one in counted)
    name = subject(story)
    return 100 * sum(one.requests for one in counted if one.deployment == name) / whole if whole else None


def subject(story: Story) -> str:
    """Whose share is told: the candidate's; of a rollout that has ended, that of whom it was about."""
    document = story.document
    return document.roles.candidate or document.roles.stable or next(iter(document.endpoint.traffic), "")


def names(story: Story) -> list[str]:
    """The deployments that answered anything; stable first, so that the candidate is drawn above it."""
    known = {one.deployment for one in story.readings}
    return sorted(known, key=lambda name: (("stable", "other", "candidate").index(look_of(story, name)), name))


def look_of(story: Story, name: str) -> Look:
    """Which role's colours a deployment has."""
    roles = story.document.roles
    if name == roles.stable:
        return "stable"
    return "candidate" if name == roles.candidate else "other"
