"""docs/tags.md, from the code that writes and reads them: `python -m tests.pages.tags_page > docs/tags.md`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from rollout.core import stamp
from rollout.core.observed import weights
from rollout.core.our_tags import PREFIX
from rollout.core.progress import (
    MAX_TAGS,
    MAX_VALUE,
    Approval,
    Hold,
    Progress,
    Promoted,
    Quarantined,
    Run,
    Transition,
    to_tags,
)

NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHOLE: Final = Progress(
    plan="house-prices",
    commit="4f1d2c3b5a69788796a5b4c3d2e1f00112233445",
    declared="d41d8c",
    fleet="prices",
    promoted=Promoted(name="blue", revision="1e858c98af0d3b2a4c5d", count=2, born="20261120T080000Z"),
    former=Promoted(name="green", revision="0b73eb2ecf1f2e3d4c5b"),
    run=Run(
        goal="17d0639b04aabbccddee",
        slot="green",
        born="20261123T100000Z",
        total=2,
        started=NOON - timedelta(hours=2),
        exposed=NOON - timedelta(hours=1),
    ),
    passed=("3f2a9c01d4", "77b0c1e2f3"),
    written=weights({"blue": 90, "green": 10}),
    since=NOON - timedelta(hours=1),
    outcome="rolled back",
    quarantine=(Quarantined(goal="aa11bb22cc33dd44ee55", key="9d8c7b6a50", slot="green", at=NOON),),
    hold=Hold(kind="person", why="look at the chart", who="ann", goal="17d0639b04aabbccddee", at=NOON),
    approvals=(Approval(key="51c0ffee00", digest="c0e3c714d2a9aac0", who="bob"),),
    untaken=("5e0f",),
    history=(
        Transition(at=NOON - timedelta(hours=2), what="deploy", who="ci", commit="4f1d2c3", number=7),
        Transition(at=NOON - timedelta(hours=1), what="traffic-10", who="ci", commit="4f1d2c3", number=8),
    ),
)
"""A record in which everything is there, so that every tag is shown."""
MEANING: Final[Mapping[str, str]] = {
    "plan": "the plan's name and commit; how the last run ended (`outcome`); since when the weights are as they are"
    " (`since`); the codes of the declared endpoint fields (`declared`); `sum`: a checksum over all other tags",
    "promoted": "the deployment that last earned all traffic, or was adopted with it; what a rollback returns to",
    "former": "what was promoted before",
    "run": "the journey under way: its goal, its slot, the creation of its candidate (`born`), stable's count at its"
    " start (`total`), when it started and was first exposed; `ended` for one that was rolled back or superseded",
    "set": "the split and the mirror that rollout last wrote; another one on the endpoint is a hand from outside",
    "hold": "stop until a person acts: who, why, until when; `outside` after a hand moved the weights",
    "passed": "the keys of the gates that this run has passed",
    "quarantine": "goals that failed, with the key of the gate",
    "approved": "who said yes to which approval gate, and to which change set",
    "untaken": "codes of values that the service did not take as they were written",
    "fleet": "the fleet that the plan was a member of when this was last written, to notice who is none any more",
    "history": "the last transitions: when, what, who, from which commit; the oldest fall off",
}
OF_A_DEPLOYMENT: Final[Mapping[str, str]] = {
    stamp.REVISION_TAG: "the digest of what it is",
    stamp.BORN_TAG: "when rollout made it, by the service's clock: passed gates belong to one creation",
    stamp.CONTENTS_TAG: "short digests of its local model, code and environment, so that a diff can say which changed",
    stamp.SETTINGS_TAG: "the codes of its declared settings, to tell a plan that moved from a world that moved",
    stamp.FLEET_TAG: "the release of a fleet that made it",
    stamp.PROMOTED_FROM_TAG: "the environments that had promoted it, where a policy asks; each with a digest of it",
}


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> list[str]:
    tags = to_tags(WHOLE)
    rows = [f"| `{PREFIX}{name}` | {meaning} | `{tags[PREFIX + name]}` |" for name, meaning in MEANING.items()]
    return [
        "# Tags",
        "",
        "All progress is kept in the endpoint's own tags (made from the code by `make pages`). People may read them;",
        "`rollout` alone writes them. Nothing here is a secret, and none is ever put here.",
        "",
        "## On the endpoint",
        "",
        f"At most {MAX_TAGS} tags of at most {MAX_VALUE} characters. Each value is the format's version, JSON, `~`",
        f"and a CRC-32 of the JSON; a list that is too long goes on in `{PREFIX}history.1` and so on. Tags of others",
        "are left alone. What was edited by hand, is missing, or was written by a later version is noticed: nothing",
        "moves then until a person says what is stable (`rollout adopt`).",
        "",
        "| tag | says | for example |",
        "|---|---|---|",
        *rows,
        "",
        "## On a deployment",
        "",
        "| tag | says |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in OF_A_DEPLOYMENT.items()),
        "",
        f"Its *properties*, which nobody can change later, say where it comes from: `{stamp.PROVENANCE}plan`,",
        f"`{stamp.PROVENANCE}commit`, `{stamp.PROVENANCE}{stamp.ACTOR}`, `{stamp.PROVENANCE}run` (the address of the",
        f"job), `{stamp.PROVENANCE}approved` (the digest that was approved).",
    ]


if __name__ == "__main__":
    print(page(), end="")
