"""What every command of a person asks first, and how it is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from rollout.core.observed import Endpoint, Observation
from rollout.core.person import endpoint_of, must_be_ours, record_of, said
from rollout.core.progress import Progress, to_tags
from rollout.errors import Refused
from tests.cases.world import at
from tests.worlds.plans import roles

MINE = replace(roles("v2"), commit="c0ffee")
BARE = Endpoint(name="house")
OTHERS = Endpoint(name="house", tags=to_tags(Progress(plan="other")))
EDITED = Endpoint(name="house", tags={"rollout.plan": "edited"})


@pytest.mark.parametrize(
    ("ask", "sentence", "hint"),
    [
        pytest.param(
            lambda: endpoint_of(Observation(None, at(0))),
            "the endpoint does not exist",
            "rollout apply creates it",
            id="no endpoint",
        ),
        pytest.param(
            lambda: record_of(MINE, EDITED),
            "the tag rollout.plan was edited",
            "say what serves: rollout adopt --stable NAME",
            id="edited",
        ),
        pytest.param(
            lambda: record_of(None, BARE), "no plan manages house", "give the plan's file", id="neither record nor plan"
        ),
        pytest.param(
            lambda: must_be_ours(MINE, OTHERS),
            "house belongs to the plan other",
            "give that plan, or --endpoint",
            id="another plan's",
        ),
    ],
)
def test_what_is_refused(ask: Callable[[], object], sentence: str, hint: str) -> None:
    """With the way out."""
    with pytest.raises(Refused) as refused:
        ask()

    assert (str(refused.value), refused.value.hint) == (sentence, hint)


def test_the_record() -> None:
    """What the tags say, for whoever asks without a plan; a blank one of the plan where there is none."""
    assert record_of(None, OTHERS) == Progress(plan="other")
    assert record_of(MINE, BARE) == Progress(plan="plan", commit="c0ffee")
    assert record_of(MINE, Endpoint(name="house", tags=to_tags(Progress(plan="plan")))) == Progress(plan="plan")


def test_how_it_is_told() -> None:
    """By whom and why, as far as that was said."""
    assert said("held", "ann", "lunch") == "held by ann: lunch"
    assert said("held", "ann", "") == "held by ann"
    assert said("held", "", "lunch") == "held: lunch"
    assert said("held", "", "") == "held"
