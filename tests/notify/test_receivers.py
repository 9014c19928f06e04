"""What each way of sending puts on the wire, and what it says when a receiver does not want it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from rollout.core.notices import Notice, Rule
from rollout.core.outbox import Due
from rollout.notify import chat, webhook
from rollout.notify.chat import Chat
from rollout.notify.letter import Letter, Undelivered
from rollout.notify.post import senders
from rollout.notify.signing import headers, secret
from rollout.notify.webhook import Webhook
from rollout.render.notices import Surroundings, Told, data_of, fields_of, written
from tests.notify.receiver import SECRET, Receiver

AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NOTICE = Notice(
    id="0" * 32,
    event="rolled_back",
    at=AT,
    plan="house",
    endpoint="/subscriptions/s/onlineEndpoints/house",
    reason="watch: 5xx 4.1 % > 1 %",
    actor="ann",
    commit="c0ffee1234",
    number=7,
    missed=2,
)
AROUND = Surroundings(run="https://ci.example.com/1", split="blue 100 %", evidence="watch: FAIL: 41 of 1000")
LETTER = Letter(
    id=NOTICE.id,
    event="rolled_back",
    source=NOTICE.endpoint,
    plan="house",
    at=AT,
    subject="house: ROLLED BACK",
    body="watch: 5xx",
    data=msgspec.to_builtins(data_of(NOTICE, AROUND)),
    bad=True,
)
KEY = secret(SECRET, "HOOK_SECRET")


@pytest.mark.parametrize("mode", ["structured", "binary"])
async def test_cloud_events(receiver: Receiver, mode: str) -> None:
    """The library's own reader finds the event, with our data; the signature was checked by the receiver."""
    hook = Webhook(receiver.url, KEY, "HOOK_URL", mode)  # type: ignore[arg-type]
    assert await hook.send(LETTER) == "answered 204"
    ((head, body),) = receiver.got
    event = from_http_event(HTTPMessage(headers=head, body=body))
    known = event.get_attributes()
    assert {key: known[key] for key in ("id", "source", "type", "subject", "time", "specversion")} == {
        "id": "0" * 32,
        "source": "/subscriptions/s/onlineEndpoints/house",
        "type": "rollout.transition.rolled_back",
        "subject": "house",
        "time": AT,
        "specversion": "1.0",
    }
    data = event.get_data()
    told = msgspec.convert(json.loads(data) if isinstance(data, bytes | str) else data, Told)
    assert told == data_of(NOTICE, AROUND)
    assert ("ce-id" in head) == (mode == "binary")


def test_the_standards_own_example() -> None:
    """The signature of the example in the documentation of Standard Webhooks (libraries' test vector)."""
    key = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "X")
    assert headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize(
    ("status", "length", "said"),
    [
        (500, 0, "the receiver of $HOOK_URL answered 500"),
        (302, 0, "the receiver of $HOOK_URL answered 302"),
        (200, 10_000_000, ""),
    ],
)
async def test_answers(receiver: Receiver, status: int, length: int, said: str) -> None:
    """A fault and a redirect are no delivery, and the redirect is not followed; ten megabytes are not read."""
    receiver.status, receiver.length = status, length
    hook = Webhook(receiver.url, KEY, "HOOK_URL")
    if said:
        with pytest.raises(Undelivered) as refused:
            await hook.send(LETTER)
        assert str(refused.value) == said
        assert receiver.got == []
    else:
        assert await hook.send(LETTER) == "answered 200"


async def test_a_receiver_that_hangs(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, by either way."""
    receiver.pause = 5
    monkeypatch.setattr(webhook, "SECONDS", 0.2)
    monkeypatch.setattr(chat, "SECONDS", 0.2)
    with pytest.raises(Undelivered, match=r"the receiver of \$HOOK_URL did not answer in 0 s"):
        await Webhook(receiver.url, KEY, "HOOK_URL").send(LETTER)
    with pytest.raises(Undelivered, match=r"the receiver of \$CHAT "):
        await Chat(receiver.url.replace("http", "json"), "CHAT").send(LETTER)


async def test_nobody_there(capfd: pytest.CaptureFixture[str]) -> None:
    """The address is in no message and in no log, by either way."""
    for way in (
        Webhook("http://127.0.0.1:9/sEcReT", KEY, "HOOK_URL"),
        Chat("json://user:sEcReT@127.0.0.1:9/sEcReT", "CHAT"),
    ):
        with pytest.raises(Undelivered) as refused:
            await way.send(LETTER)
        assert "sEcReT" not in str(refused.value) + refused.value.hint
        assert refused.value.__cause__ is None
    assert "sEcReT" not in "".join(capfd.readouterr())


async def test_chat(receiver: Receiver) -> None:
    """Through apprise to a real server: subject, text, and that it is bad news."""
    assert await Chat(receiver.url.replace("http", "json"), "CHAT").send(LETTER) == "taken"
    ((_, body),) = receiver.got
    found = json.loads(body)
    assert (found["title"], found["message"], found["type"]) == ("house: ROLLED BACK", "watch: 5xx", "failure")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/sEcReT", "the address in $URL must be https"),
        ("http://127.0.0.1.example.com/", "the address in $URL must be https"),
        ("ftp://example.com/", "$URL holds no address of a web server"),
        ("https://[sEcReT", "$URL holds no address of a web server"),
        ("sEcReT", "$URL holds no address of a web server"),
        ("https://example.com:sEcReT/", "$URL holds no address of a web server"),
    ],
)
def test_addresses(url: str, said: str) -> None:
    """https, except on this machine; what is wrong is said without the address."""
    with pytest.raises(Undelivered) as refused:
        Webhook(url, KEY, "URL")
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("environment", "rule", "said"),
    [
        ({}, Rule(name="a", kind="apprise", url_from="CHAT"), "the variable CHAT is not set"),
        (
            {"CHAT": "no address"},
            Rule(name="a", kind="apprise", url_from="CHAT"),
            "$CHAT holds no address that apprise knows",
        ),
        (
            {"URL": "https://example.com", "KEY": "whsec_short"},
            Rule(name="a", kind="webhook", url_from="URL", secret_from="KEY"),
            "$KEY holds no secret for signing",
        ),
    ],
)
def test_variables(environment: dict[str, str], rule: Rule, said: str) -> None:
    """What is missing or unusable is named, never shown."""
    with pytest.raises(Undelivered) as refused:
        senders(environment)(rule)
    assert str(refused.value) == said


def test_words() -> None:
    """The default text tells all that is known, line by line."""
    fields = fields_of(NOTICE, AROUND, again=True)
    assert written("$plan: $title", fields) == "house: ROLLED BACK"
    assert written("$reason\n$details", fields) == (
        "watch: 5xx 4.1 % > 1 %\n"
        "endpoint: house\n"
        "when: 2026-01-01 12:00:00Z\n"
        "by: ann\n"
        "commit: c0ffee1234\n"
        "traffic now: blue 100 %\n"
        "evidence: watch: FAIL: 41 of 1000\n"
        "run: https://ci.example.com/1\n"
        "before that: 2 more, not told\n"
        "note: may have been told before"
    )


def test_values_are_no_templates() -> None:
    """A `$` in a reason, and control characters, stay what they are: text, or a space."""
    odd = msgspec.structs.replace(NOTICE, reason="costs $plan \x1b[31m")
    assert written("$reason", fields_of(odd, Surroundings())) == "costs $plan  [31m"


def test_a_message_says_whether_it_may_be_a_repetition() -> None:
    """Only one that was claimed before does."""
    due = Due(Rule(name="a", kind="apprise", url_from="CHAT"), NOTICE)
    assert "before" in fields_of(due.notice, Surroundings(), again=True).details.splitlines()[-1]
    assert fields_of(due.notice, Surroundings()).details.splitlines()[-1] == "before that: 2 more, not told"
