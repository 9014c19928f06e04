"""`rollout publish`, in front of the local GitHub: documents in, comments and statuses out, faults as sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from rollout.cli.main import main
from rollout.core.decision import Phase, Status
from rollout.render import document as form
from rollout.render.saved import encode
from tests.github.bench import NAME, TOKEN, Bench, bench
from tests.github.test_texts import CALM, MEGABYTES, RUN

Said = Callable[..., tuple[int, str, str]]
DRIFT = form.Change(target="endpoint", path="description", before="by hand", after="as declared", by="ann@example.com")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One repository for all of them, with an open pull request for each test."""
    with bench(tmp_path_factory.mktemp("publish")) as one:
        yield one


@pytest.fixture
def number(made: Bench, request: pytest.FixtureRequest) -> int:
    """An open pull request of its own."""
    branch = request.node.name
    made.commit("release", branch, **{f"{branch}.txt": "1"})
    made.world.add_token(TOKEN)
    made.world.calls.clear()
    return made.pull(branch, "Release")


@pytest.fixture
def publish(made: Bench, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """Run `rollout publish WHAT documents/ …` on documents; code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_SHA", "GITHUB_EVENT_PATH", "GH_TOKEN", "GITHUB_RUN_ID", "ROLLOUT_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (
        ("API_URL", made.world.url),
        ("SERVER_URL", made.world.url),
        ("REPOSITORY", NAME),
        ("TOKEN", TOKEN),
    ):
        monkeypatch.setenv(f"GITHUB_{name}", value)

    def run(what: str, documents: list[form.AnyDocument], *arguments: object) -> tuple[int, str, str]:
        folder = tmp_path / "documents"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for index, one in enumerate(documents):
            (folder / f"{index}.json").write_text(encode(one))
        code = main(["publish", what, str(folder), *map(str, arguments)])
        out, err = capfd.readouterr()
        assert TOKEN not in out + err
        return code, out, err

    return run


def bodies(made: Bench, number: int) -> list[str]:
    """What is visible below a pull request."""
    return [comment["body"] for comment in made.repo.visible(number)]


def test_a_comment_of_ten_megabytes_fits(made: Bench, number: int, publish: Said) -> None:
    """The forge takes it: with marker, life and footer it is below its limit."""
    said = form.Measurement(gate="smoke", outcome="FAIL", reason=MEGABYTES, log=(MEGABYTES,))
    document = structs.replace(
        CALM,
        decision=form.Deciding(status=Status.HOLD, phase=Phase.ROLLED_BACK, reason=MEGABYTES),
        result=form.Result(exit_code=4, writes=1, measurements=(said,)),
        notes=(MEGABYTES,),
    )
    code, _, err = publish("comment", [document], "--number", number, "--run-url", "https://example.com/run/1")
    assert (code, err) == (0, "")
    (body,) = bodies(made, number)
    assert 2_000 < len(body) <= 65_536
    assert "⛔ **rolled back** at `smoke`: " in body.split("\n")[2]


def test_a_failed_diff_is_told_in_the_same_comment(made: Bench, number: int, publish: Said) -> None:
    """The plan's name is its file's where nobody could read it."""
    good = structs.replace(CALM, file="plans/house-prices.rollout.yml")
    publish("comment", [good], "--number", number)
    failure = form.Failure(command="diff", file="plans/house-prices.rollout.yml", exit_code=3, message="no such file")
    _, out, _ = publish("comment", [failure], "--number", number)
    assert out.startswith(f"edited the comment about house-prices on #{number} (")
    (body,) = bodies(made, number)
    assert "rollout diff failed" in body
    assert "no such file" in body


def test_plans_that_are_no_longer_touched_are_folded(made: Bench, number: int, publish: Said) -> None:
    """Only by --prune: a job may know just one of several plans."""
    other = structs.replace(CALM, plan="churn")
    publish("comment", [CALM, other], "--number", number)
    publish("comment", [CALM], "--number", number)
    assert len(bodies(made, number)) == 2
    _, out, _ = publish("comment", [CALM], "--number", number, "--prune")
    assert "outdated the comment about churn" in out
    assert len(bodies(made, number)) == 1


def test_a_change_that_was_taken_out_again(made: Bench, number: int, publish: Said) -> None:
    """A later push touches no plan at all: there is no document, and the comment is folded."""
    publish("comment", [CALM], "--number", number)
    assert publish("comment", [], "--number", number)[2] == "nothing to publish: no document is about a plan\n"
    assert publish("comment", [], "--number", number, "--prune")[0] == 0
    assert bodies(made, number) == []


def test_statuses_of_a_plan_and_its_stages(made: Bench, number: int, publish: Said) -> None:
    """Once each; a second run with the same news posts nothing."""
    commit = made.repo.pull(number)["head"]["sha"]
    document = structs.replace(CALM, progress=RUN)
    publish("status", [document], "--commit", commit, "--each-stage", "--environment", "prod")
    _, out, _ = publish("status", [document], "--commit", commit, "--each-stage", "--environment", "prod")
    assert {line.split()[0] for line in out.splitlines()} == {"unchanged"}
    assert [(found["context"], found["state"], found["description"]) for found in made.repo.statuses[commit]] == [
        ("rollout/prod/house-prices", "pending", "applying 1/3: smoke"),
        ("rollout/prod/house-prices/01 deploy", "success", "satisfied: deploy"),
        ("rollout/prod/house-prices/02 smoke", "pending", "active: smoke"),
        ("rollout/prod/house-prices/03 traffic-100", "pending", "pending: traffic-100"),
    ]


def test_a_refused_hazard_fails_the_status(made: Bench, number: int, publish: Said) -> None:
    """A proposal is fine, unless nothing would be done."""
    commit = made.repo.pull(number)["head"]["sha"]
    hazard = form.Hazard(name="deletes-deployment", state="refused")
    publish("status", [structs.replace(CALM, hazards=(hazard,))], "--commit", commit)
    assert [found["state"] for found in made.repo.statuses[commit]] == ["failure"]


def test_drift_is_an_issue_as_long_as_it_lasts(made: Bench, number: int, publish: Said) -> None:
    """Opened with what, how and by whom; closed with a sentence."""
    drifted = structs.replace(CALM, drift=(DRIFT,))
    for _ in range(2):
        publish("drift", [drifted], "--environment", "prod")
    (issue,) = made.repo.issues()
    assert (issue["title"], issue["state"]) == ("Drift: house-prices (prod)", "open")
    assert "| endpoint: description | by hand | as declared |  | `ann@example.com` |" in issue["body"]
    _, out, _ = publish("drift", [CALM], "--environment", "prod")
    assert out == f"closed issue #{issue['number']} ({issue['html_url']})\n"
    assert made.repo.issues()[0]["state"] == "closed"


def test_a_hand_is_told_as_drift(made: Bench, number: int, publish: Said) -> None:
    """A weight that somebody moved."""
    held = form.Deciding(status=Status.HOLD, phase=Phase.HELD, reason="the weights were changed outside")
    hold = {"hold": {"kind": "outside", "why": "weights"}}
    publish("drift", [structs.replace(CALM, plan="moved", decision=held, progress=hold)])
    issue = made.repo.issues()[-1]
    assert "**Held:** the weights were changed outside" in issue["body"]
    assert "`rollout resume`" in issue["body"]


def test_a_forks_pull_request_is_not_written_to(
    made: Bench, number: int, publish: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no permission; that is said, and nothing fails."""
    event = tmp_path / "event.json"
    pull = {"number": number, "head": {"sha": "0" * 40, "repo": {"full_name": "mallory/models"}}}
    event.write_text(json.dumps({"pull_request": pull}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    code, _, err = publish("comment", [CALM])
    assert (code, err) == (0, "not published: a pull request from a fork has no permission to write here\n")
    assert made.world.calls == []


@pytest.mark.parametrize(
    ("variable", "value", "code", "message"),
    [
        ("GITHUB_TOKEN", "", 9, "error: there is no token for GitHub\n"),
        ("GITHUB_TOKEN", "wrong", 9, "error: GitHub does not accept the token: Bad credentials\n"),
        (
            "GITHUB_REPOSITORY",
            "",
            3,
            "error: which repository? Neither the command line nor GITHUB_REPOSITORY says it\n",
        ),
    ],
)
def test_what_is_missing_is_said(
    publish: Said, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, code: int, message: str
) -> None:
    """With its exit code and the remedy."""
    monkeypatch.setenv(variable, value)
    ended, out, err = publish("comment", [CALM], "--number", 1)
    assert (ended, out) == (code, "")
    assert err.startswith(message)
    assert "\nhint: " in err


def test_what_is_no_document(publish: Said, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Said by name; a validation is nothing to publish."""
    (tmp_path / "x.json").write_text("{}")
    assert main(["publish", "comment", str(tmp_path / "x.json"), "--number", "1"]) == 3
    assert "x.json is not a document of this version of rollout" in capfd.readouterr().err
    assert publish("comment", [form.Validation(valid=True, plans=())])[2] == (
        "nothing to publish: no document is about a plan\n"
    )
