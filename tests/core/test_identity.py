"""Who is who: the revision that can be believed of a deployment, and what is promoted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from rollout.core.identity import (
    Ambiguous,
    Changed,
    Known,
    Nobody,
    Promotion,
    effective,
    identified,
    promoted_of,
    recognised,
    spec_of,
    what_is_promoted,
)
from rollout.core.observed import Deployment, Endpoint, weights
from rollout.core.progress import Progress, Promoted, Run
from tests.worlds import plans

OURS = Promoted(name="green", revision="v2", born="t1", content="c2")
RUN = Run(goal="v2", slot="green", born="t1", content="c2")


def green(revision: str | None = "v2", born: str | None = "t1", content: str = "c2") -> Deployment:
    """A live deployment with those tags and that content."""
    return Deployment(name="green", state="Succeeded", count=2, revision=revision, born=born, content=content)


def believed(found: Deployment, progress: Progress | None) -> tuple[str | None, str | None]:
    """Revision and stamp."""
    result = effective(found, progress)
    return result.revision, result.born


RECORDS = {
    "no record": None,
    "promoted": Progress(plan="plan", promoted=OURS),
    "former": Progress(plan="plan", former=OURS),
    "run": Progress(plan="plan", run=RUN),
}


@pytest.mark.parametrize(
    ("found", "without", "recorded"),
    [
        pytest.param(green(), ("v2", "t1"), ("v2", "t1"), id="as it was made"),
        pytest.param(green(revision=None, born=None), ("~c2", ""), ("v2", "t1"), id="its tags are lost"),
        pytest.param(green(content="cX"), ("v2", "t1"), ("~cX", ""), id="changed in place, tags kept"),
        pytest.param(green(None, None, "cX"), ("~cX", ""), ("~cX", ""), id="changed in place, tags lost"),
        pytest.param(green("v3", "t9", "c3"), ("v3", "t9"), ("v3", "t9"), id="another creation of ours"),
        pytest.param(green("v2", "t9", "c2"), ("v2", "t9"), ("v2", "t9"), id="the same, created again"),
        pytest.param(green(content=""), ("v2", "t1"), ("v2", "t1"), id="not ready, its content unknown"),
    ],
)
@pytest.mark.parametrize("role", RECORDS)
def test_what_a_deployment_carries(
    found: Deployment, role: str, without: tuple[str, str], recorded: tuple[str, str]
) -> None:
    """Tags say what was deployed, the record which content that had; in whichever role it is recorded."""
    assert believed(found, RECORDS[role]) == (without if role == "no record" else recorded)


def test_the_record_of_another_deployment_says_nothing() -> None:
    """Names are part of what is recorded."""
    progress = Progress(plan="plan", promoted=Promoted(name="blue", revision="v1", born="t1", content="c2"))

    assert believed(green(None, None), progress) == ("~c2", "")


def test_a_record_without_content_says_nothing() -> None:
    """An older record, or one of a deployment that was not ready."""
    progress = Progress(plan="plan", promoted=Promoted(name="green", revision="v2", born="t1"))

    assert believed(green(None, None), progress) == ("~c2", "")
    assert believed(green(content="cX"), progress) == ("v2", "t1")


def test_a_made_up_revision_equals_no_goal() -> None:
    """Revisions of ours are hex digits: the sign in front keeps the two apart."""
    result = effective(green(None, None), None)

    assert result.revision is not None
    assert result.revision.startswith("~")


def test_an_endpoint_of_ours_is_the_very_same() -> None:
    """Nothing is copied where nothing is to be said."""
    endpoint = Endpoint(name="house", deployments=(green(),))

    assert identified(endpoint, None) is endpoint


BLUE = Deployment(name="blue", state="Succeeded", count=3, revision="v1", born="t0", content="c1")
WAS_BLUE = Promoted(name="blue", revision="v1", count=3, born="t0", content="c1")


def live(split: dict[str, int], *deployments: Deployment) -> Endpoint:
    """An endpoint with that traffic."""
    return Endpoint(name="house", weights=weights(split), deployments=deployments)


@pytest.mark.parametrize(
    ("endpoint", "recorded", "expected"),
    [
        pytest.param(live({"blue": 100}, BLUE), WAS_BLUE, Known(WAS_BLUE, False), id="as recorded"),
        pytest.param(live({"blue": 10, "green": 90}, BLUE, green()), WAS_BLUE, Known(WAS_BLUE, False), id="in a run"),
        pytest.param(live({"green": 100}, BLUE, green()), WAS_BLUE, Known(WAS_BLUE, False), id="not by its traffic"),
        pytest.param(
            live({"green": 100}, green()), WAS_BLUE, Known(promoted_of(green()), True), id="gone, another serves"
        ),
        pytest.param(live({}, green()), WAS_BLUE, Nobody(), id="gone, nothing serves"),
        pytest.param(
            live({"green": 60, "red": 40}, green()), WAS_BLUE, Ambiguous(("green", "red")), id="gone, two serve"
        ),
        pytest.param(
            live({"blue": 100}, BLUE), Promoted(name="blue", revision="v0"), Changed("blue"), id="another revision"
        ),
        pytest.param(live({"blue": 100}, BLUE), None, Known(WAS_BLUE, True), id="adopted"),
        pytest.param(live({"blue": 50, "green": 50}, BLUE, green()), None, Ambiguous(("blue", "green")), id="split"),
        pytest.param(live({}, BLUE), None, Nobody(), id="nothing serves"),
        pytest.param(live({"ghost": 100}, BLUE), None, Ambiguous(("ghost",)), id="what serves is not listed"),
    ],
)
def test_what_is_promoted(endpoint: Endpoint, recorded: Promoted | None, expected: Promotion) -> None:
    """The record first, as far as it names something that lives; then the traffic."""
    progress = Progress(plan="plan", promoted=recorded) if recorded else None

    assert what_is_promoted(endpoint, progress) == expected


def test_what_has_no_tags_has_no_stamp() -> None:
    """Texts, never None, whatever is missing: in what is believed, and in what is recorded."""
    bare = green("v2", None)

    assert believed(bare, None) == ("v2", "")
    assert promoted_of(green(None, None)) == Promoted(name="green", revision="", count=2, born="", content="c2")


PLAN = plans.roles("v2")
LITERAL = plans.literal(("red", "v1"), ("green", "v2"))
MADE = replace(green(None, None), fields={"model": "azureml:m:v2"})
"""Made by somebody else, of what the file of v2 declares."""


def adopted(found: Deployment, *, by_traffic: bool = True, revision: str = "~c2") -> tuple[Endpoint, Known]:
    """It serves beside another deployment, and goes by that revision."""
    known = replace(promoted_of(found), revision=revision)
    return live({found.name: 100}, BLUE, replace(found, revision=revision)), Known(known, by_traffic)


@pytest.mark.parametrize("by_traffic", [True, False])
def test_what_is_promoted_goes_by_the_revision_of_its_file(by_traffic: bool) -> None:
    """Where its live fields prove that it is that; other deployments stay what they are."""
    endpoint, promotion = adopted(MADE, by_traffic=by_traffic)
    seen, who = recognised(PLAN, endpoint, promotion)

    assert seen == live({"green": 100}, BLUE, replace(MADE, revision="v2"))
    assert who == Known(replace(promotion.promoted, revision="v2"), by_traffic)


@pytest.mark.parametrize(
    ("revision", "proven"),
    [pytest.param("~c2", True, id="made by others"), pytest.param("v0", False, id="made by us")],
)
def test_what_the_file_does_not_mention(revision: str, proven: bool) -> None:
    """Of others it is not ours to see; of ours it is a field that was removed."""
    more = replace(MADE, fields={**MADE.fields, "scoring_timeout": 7})
    seen, who = recognised(PLAN, *adopted(more, revision=revision))

    assert isinstance(who, Known)
    assert who.promoted.revision == ("v2" if proven else revision)
    assert seen.deployments[1].revision == who.promoted.revision


@pytest.mark.parametrize("promotion", [Nobody(), Changed("green"), Ambiguous(("blue", "green"))])
def test_nobody_is_not_recognised(promotion: Promotion) -> None:
    """Both stay as they are where it is not known who is promoted."""
    endpoint = live({"green": 100}, MADE)

    assert recognised(PLAN, endpoint, promotion) == (endpoint, promotion)


def test_what_is_not_what_its_file_declares_is_not_recognised() -> None:
    """Its model is another one."""
    found = adopted(replace(MADE, fields={"model": "azureml:m:v7"}))

    assert recognised(PLAN, *found) == found


def test_what_has_no_file_is_not_recognised() -> None:
    """A literal plan may name its stable without one: what it declares cannot be proven."""
    assert LITERAL.literal is not None
    bare = replace(LITERAL, literal=replace(LITERAL.literal, stable_spec=None))
    found = adopted(replace(MADE, name="red"))

    assert recognised(bare, *found) == found


def test_the_stable_of_a_literal_plan_has_a_file_of_its_own() -> None:
    """And everything else that may serve is compared with the candidate's."""
    red = replace(MADE, name="red", fields={"model": "azureml:m:v1"})
    _, who = recognised(LITERAL, *adopted(red))

    assert isinstance(who, Known)
    assert who.promoted.revision == "v1"
    assert (spec_of(LITERAL, "red"), spec_of(LITERAL, "green")) == (plans.spec("v1"), plans.spec("v2"))
    assert spec_of(PLAN, "red") == plans.spec("v2")
