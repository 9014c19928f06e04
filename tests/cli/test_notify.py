"""Notifications as a user meets them: a rollout on the emulator, a receiver on loopback, passes that see the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, write_plan
from tests.notify.receiver import SECRET, Receiver, receiving

pytestmark = pytest.mark.slow
CONFIGURATION = """\
notifications:
  - {name: team, apprise: CHAT_URL, events: [promoted], subject: '$plan $event', body: $details}
  - {name: bus, webhook: {url_from: HOOK_URL, secret_from: HOOK_SECRET}, events: [started, promoted, other]}
  - {name: others, apprise: CHAT_URL, plans: [other-*]}
"""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """One that takes both: chat and events."""
    with receiving() as found:
        monkeypatch.setenv("HOOK_URL", found.url)
        monkeypatch.setenv("HOOK_SECRET", SECRET)
        monkeypatch.setenv("CHAT_URL", found.url.replace("http", "json"))
        yield found


@pytest.fixture
def plan(rollout: Command, on_emulator: Path, tmp_path: Path, receiver: Receiver) -> Iterator[Path]:
    """A plan in a repository that tells."""
    (tmp_path / "rollout.yaml").write_text(CONFIGURATION)
    path = write_plan(tmp_path, "told")
    yield path
    rollout("destroy", path, "--yes")


def events(receiver: Receiver) -> list[tuple[str, Any]]:
    """Type and reason of each event that came, in order; chat as `chat` and its subject."""
    found = []
    for _, body in receiver.got:
        message = json.loads(body)
        if "specversion" in message:
            found.append((message["type"].removeprefix("rollout.transition."), message["data"]["reason"]))
        else:
            found.append(("chat", message["title"]))
    return found


def test_a_release_is_told_once(rollout: Command, plan: Path, receiver: Receiver) -> None:
    """While nobody answers: a warning, the same exit code. Then all of it, once; and nothing in the passes after."""
    receiver.status = 503
    ended = rollout("apply", plan, "--auto-approve")
    assert ended.code == 0
    assert "warning: told: bus was not told of `other`: the receiver of $HOOK_URL answered 503" in ended.err
    receiver.status = 204
    assert rollout("approve", plan).code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    first = events(receiver)
    assert [kind for kind, _ in first if kind != "approved"] == ["other", "chat", "promoted"]
    assert ("chat", "told promoted") in first
    for command in (("reconcile", plan), ("apply", plan, "--auto-approve")):
        ended = rollout(*command)
        assert (ended.code, events(receiver)) == (0, first), ended.err
    assert all(times == 1 for times in receiver.seen.values())


def test_a_variable_that_is_not_set(
    rollout: Command, plan: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are told all the same."""
    monkeypatch.delenv("CHAT_URL")
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("approve", plan).code == 0
    ended = rollout("apply", plan, "--auto-approve")
    assert "warning: told: team was not told of `promoted`: the variable CHAT_URL is not set" in ended.err
    assert [kind for kind, _ in events(receiver)][-1] == "promoted"


def test_samples(rollout: Command, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """`notify` shows who is told; `--test` sends to each, and says what came back."""
    (tmp_path / "rollout.yaml").write_text(CONFIGURATION)
    assert rollout("notify", tmp_path).out.splitlines() == [
        "team (apprise): promoted; plans *",
        "bus (webhook): started, promoted, other; plans *",
        "others (apprise): started, failed, rolled_back, held, promoted, superseded, orphaned; plans other-*",
    ]
    assert receiver.got == []
    monkeypatch.setenv("HOOK_SECRET", "short")
    ended = rollout("notify", tmp_path, "--test", "-o", "json")
    assert ended.code == 1
    assert [(one["name"], one["reached"], one["said"]) for one in ended.json["receivers"]] == [
        ("team", True, "taken"),
        (
            "bus",
            False,
            "$HOOK_SECRET holds no secret for signing"
            " (whsec_ and at least 24 bytes in base64: echo whsec_$(openssl rand -base64 32))",
        ),
        ("others", True, "taken"),
    ]
    assert events(receiver) == [("chat", "sample promoted"), ("chat", "sample: a rollout has started")]


def test_nobody_to_tell(rollout: Command, tmp_path: Path) -> None:
    """Said, with where to look."""
    ended = rollout("notify", tmp_path)
    assert ended.code == 3
    assert "no receiver is configured: `notifications:` in rollout.yaml" in ended.err


def checks(told: Any) -> dict[str, str]:
    """What the doctor says of receivers and their outbox."""
    names = ("notifications", "outbox", "receiver team", "receiver bus", "receiver others")
    return {check["name"]: check["state"] for check in told["checks"] if check["name"] in names}


def test_the_doctor_tries_receivers_and_sends_only_when_asked(
    rollout: Command, plan: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outbox can be read, every address can be used; a variable that is not set is named, and no secret is told."""
    well = rollout("doctor", plan, "-o", "json")
    assert (well.code, receiver.got) == (0, [])
    assert checks(well.json) == dict.fromkeys(("outbox", "receiver team", "receiver bus", "receiver others"), "ok")
    sent = rollout("doctor", plan, "--notify", "-o", "json")
    assert (sent.code, len(receiver.got)) == (0, 3)
    receiver.status = 503
    refused = rollout("doctor", plan, "--notify", "-o", "json")
    assert (refused.code, checks(refused.json)["receiver bus"]) == (9, "missing")
    monkeypatch.setenv("CHAT_URL", "nonsense://canary")
    monkeypatch.delenv("HOOK_SECRET")
    wrong = rollout("doctor", plan)
    assert (wrong.code, "canary" in wrong.out, receiver.url in wrong.out) == (9, False, False)
    assert "$CHAT_URL holds no address that apprise knows" in wrong.out
    assert "the variable HOOK_SECRET is not set" in wrong.out
    (plan.parent / "rollout.yaml").unlink()
    assert checks(rollout("doctor", plan, "-o", "json").json) == {"notifications": "skipped"}
