"""`notifications:` in `rollout.yaml`: what it means, and what is refused without being repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.core.notices import FIELDS, USUAL, Rule
from rollout.plan.repository import Repository, find_repository
from rollout.render.notices import Fields


def read(folder: Path, text: str) -> Repository:
    """The repository with that configuration."""
    (folder / "rollout.yaml").write_text(text)
    return find_repository(folder / "plan.yml")


def test_receivers(tmp_path: Path) -> None:
    """Two receivers, with what they do not say filled in."""
    found = read(
        tmp_path,
        "notifications:\n"
        "  - {name: team, apprise: SLACK_URL}\n"
        "  - {name: bus, webhook: {url_from: URL, secret_from: KEY, mode: binary}, events: [drift], plans: [a*],"
        " subject: $plan, body: '$$ $reason'}\n",
    )
    assert found.faults == ()
    assert found.receivers == (
        Rule(name="team", kind="apprise", url_from="SLACK_URL", events=USUAL, plans=("*",)),
        Rule(
            name="bus",
            kind="webhook",
            url_from="URL",
            secret_from="KEY",
            mode="binary",
            events=("drift",),
            plans=("a*",),
            subject="$plan",
            body="$$ $reason",
        ),
    )


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "{name: a, apprise: 'slack://sEcReT'}",
            "PLAN123: notifications[0].apprise: this is not the name of an environment variable",
        ),
        ("{name: a, webhook: 'https://x/sEcReT'}", "PLAN123: notifications[0].webhook: this is not a webhook"),
        (
            "{name: a, webhook: {url_from: URL, secret_from: whsec_sEcReT}}",
            "PLAN123: notifications[0].webhook.secret_from: this is not the name of an environment variable",
        ),
        ("{name: a, apprise: A, url: sEcReT}", "PLAN101: notifications[0].url: unknown key `url`"),
        ("{name: a, apprise: A, events: [sEcReT]}", "PLAN110: notifications[0].events[0]: this is not an event"),
        ("{name: a, apprise: A, body: '$sEcReTs'}", "PLAN124: notifications[0].body: there is no field `sEcReTs`"),
        ("{name: a, apprise: A, body: '5 $'}", "PLAN124: notifications[0].body: a `$` stands alone"),
        ("{name: a}", "PLAN103: notifications[0]: a receiver is told in one way"),
        ("{name: A b, apprise: A}", "PLAN103: notifications[0].name: this is not a receiver's name"),
        ("{name: a, apprise: A}, {name: a, apprise: B}", "PLAN103: notifications: two receivers are called `a`"),
    ],
)
def test_refused(tmp_path: Path, entry: str, said: str) -> None:
    """Each with its place; no line is shown, for a secret may stand in it."""
    (fault,) = read(tmp_path, f"notifications: [{entry}]\n").faults
    assert f"{fault.code}: {fault.path}: {fault.message}" == said
    assert fault.line == 1
    assert fault.snippet == ""


def test_the_fields_of_a_template() -> None:
    """What may be named is what there is."""
    assert sorted(FIELDS) == sorted(Fields.__struct_fields__)
