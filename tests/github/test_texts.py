"""What is written to people, of any document with any texts: within its limits, closed, and nobody is led astray."""

from __future__ import annotations

import os
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from rollout.core.decision import Phase, StageState, Status
from rollout.render import document as form
from rollout.render.fleet_letters import FleetRestoration, fleet_revert_letter, fleet_revert_message
from rollout.render.letters import Letter, Restoration, drift_letter, drift_over, revert_letter, revert_message
from rollout.render.life import Life, Standing, life_line, life_of, status_words
from tests.github.reading import alive, unclosed
from tests.render import nasty

MANY = settings(
    max_examples=int(os.environ.get("ROLLOUT_NASTY", "60")), deadline=None, suppress_health_check=list(HealthCheck)
)
DOCUMENTS = st.builds(nasty.made, st.just(form.Document), st.integers(0, 2**32), nasty.TEXTS)
FLEETS = st.builds(nasty.made, st.just(form.Fleet), st.integers(0, 2**32), nasty.TEXTS)
LIMIT = 65_536
MEGABYTES = "\x1b[2J```</details>@everyone ::error::x\n" * 270_000
CALM = form.Document(
    plan="house-prices",
    digest="0123456789abcdef",
    complete=True,
    decision=form.Deciding(status=Status.ACT, phase=Phase.RELEASING, reason="green does not exist"),
    roles=form.Roles(stable="blue", stable_revision="1" * 20, candidate="green", goal="2" * 20),
    endpoint=form.Endpoint(name="house-prices", exists=True),
    stages=tuple(
        form.Stage(name=name, kind=kind, state=state, label=name)
        for name, kind, state in (
            ("deploy", "deploy", StageState.SATISFIED),
            ("smoke", "smoke_test", StageState.ACTIVE),
            ("traffic-100", "traffic", StageState.PENDING),
        )
    ),
)
RUN = {"run": {"goal": "2" * 20, "slot": "green"}}


def harmless(text: str) -> None:
    """No control, no command, nothing alive, nothing open."""
    assert nasty.unseen(text) == set()
    assert list(nasty.commands(text)) == []
    assert alive(text) == []
    assert unclosed(text) == []


def restoration(texts: list[str]) -> Restoration:
    """A way back all of whose words are foreign."""
    undone = tuple(("0" * 40, text) for text in texts)
    return Restoration(source="1" * 40, undone=undone, files=tuple(texts), revision="2" * 20)


@MANY
@given(DOCUMENTS, st.lists(nasty.TEXT, max_size=4))
def test_the_life_line_is_one_line_and_harmless(document: form.Document, people: list[str]) -> None:
    """Whoever approved it, whatever the reason says; and so are the words of the commit status."""
    standing = Standing(approved_by=tuple(people))
    line, words = life_line(document, standing), status_words(document, standing)
    assert "\n" not in line + words
    harmless(line)
    assert nasty.unseen(words) == set()


@MANY
@given(DOCUMENTS, nasty.TEXT)
def test_the_drift_issue_is_harmless_and_fits(document: form.Document, environment: str) -> None:
    """Also where every field and value is foreign."""
    letter = drift_letter(document, environment, LIMIT)
    harmless(drift_over(document))
    if letter is not None:
        fits(letter)


@MANY
@given(DOCUMENTS, nasty.TEXT, nasty.TEXTS)
def test_the_way_back_is_harmless_and_fits(document: form.Document, environment: str, texts: list[str]) -> None:
    """Commit subjects, file names, logs and the patch are all foreign; the commit's message is plain text."""
    back = restoration(texts)
    fits(revert_letter(document, environment, back, "\n".join(texts), LIMIT))
    message = revert_message(document, back)
    assert nasty.unseen(message) == set()
    assert message.startswith("Take back the release of ")


@MANY
@given(FLEETS, nasty.TEXT, nasty.TEXTS)
def test_the_way_back_of_a_fleet_is_harmless_and_fits(fleet: form.Fleet, environment: str, texts: list[str]) -> None:
    """Names and reasons of members, too."""
    back, outcome = restoration(texts), FleetRestoration(calm=tuple(texts), moved=dict.fromkeys(texts, "2" * 20))
    fits(fleet_revert_letter(fleet, environment, back, outcome, "\n".join(texts), LIMIT))
    message = fleet_revert_message(fleet, back)
    assert nasty.unseen(message) == set()
    assert message.startswith("Take back the release of the fleet ")


def fits(letter: Letter) -> None:
    """Body and title."""
    assert len(letter.body.encode()) <= LIMIT
    harmless(letter.body)
    assert "\n" not in letter.title
    assert nasty.unseen(letter.title) == set()


def test_ten_megabytes_cost_little_and_stay_outside() -> None:
    """A log, a reason, a subject and a patch of ten megabytes each."""
    said = form.Measurement(gate="smoke", outcome="FAIL", reason=MEGABYTES, log=(MEGABYTES,))
    document = structs.replace(
        CALM,
        plan=MEGABYTES,
        decision=form.Deciding(status=Status.HOLD, phase=Phase.ROLLED_BACK, reason=MEGABYTES),
        drift=tuple(form.Change(path=MEGABYTES, before=MEGABYTES, after=MEGABYTES) for _ in range(20)),
        result=form.Result(exit_code=4, writes=1, measurements=(said,)),
    )
    started = time.process_time()
    letter = drift_letter(document, "prod", LIMIT)
    assert letter is not None
    fits(letter)
    fits(revert_letter(document, "prod", restoration([MEGABYTES]), "x\n" * 100_000, LIMIT))
    harmless(life_line(document, Standing()))
    assert time.process_time() - started < 10


def test_the_stations_of_a_life() -> None:
    """What the endpoint shows is stronger than what the forge knows."""
    started = structs.replace(CALM, progress=RUN)
    other = structs.replace(CALM, progress={"run": {"goal": "3" * 20, "slot": "green"}})

    def stands(status: Status, phase: Phase) -> form.Document:
        return structs.replace(CALM, decision=form.Deciding(status=status, phase=phase, reason="so"))

    merged, reviewed = Standing(merged=True), Standing(approved_by=("bob",))
    told = [
        (life_of(CALM, Standing()), Life.PROPOSED),
        (life_of(CALM, reviewed), Life.APPROVED),
        (life_of(CALM, merged), Life.APPROVED),
        (life_of(started, Standing()), Life.APPLYING),
        (life_of(other, merged), Life.APPROVED),
        (life_of(stands(Status.DONE, Phase.COMPLETE), merged), Life.DONE),
        (life_of(stands(Status.DONE, Phase.COMPLETE), Standing()), Life.NOTHING),
        (life_of(stands(Status.HOLD, Phase.ROLLED_BACK), merged), Life.ROLLED_BACK),
        (life_of(stands(Status.HOLD, Phase.HELD), merged), Life.HELD),
        (life_of(stands(Status.REFUSE, Phase.REFUSED), Standing()), Life.REFUSED),
    ]
    assert [found for found, _ in told] == [wanted for _, wanted in told]
    assert life_line(started, merged) == "proposed → approved → 🔵 **applying 1/3** `smoke` → done"
    assert status_words(started, merged) == "applying 1/3: smoke"
    assert life_line(stands(Status.HOLD, Phase.HELD), merged) == "proposed → approved → ⏸️ **held 1/3**: so"
