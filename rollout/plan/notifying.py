"""The language of `notifications:` in `rollout.yaml`: who is told of what, where, in which words."""

from __future__ import annotations

import difflib
import re
from string import Template
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from rollout.core.notices import EVENTS, FIELDS, USUAL, Rule
from rollout.plan.shapes import Strict, refuse

MOST: Final = 20
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,127}\Z")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_LONGEST: Final = 2000


def _variable(value: Any) -> str:
    """Never said: it may be the address itself."""
    if not isinstance(value, str) or not _VARIABLE.match(value):
        refuse(
            "PLAN123",
            "this is not the name of an environment variable",
            expected="capitals, digits and underscores: SLACK_URL",
            hint="an address or secret that was committed must be replaced at the receiver",
        )
    return value


def _receiver(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.match(value):
        refuse("PLAN103", "this is not a receiver's name", expected="lower-case letters, digits and dashes: `team`")
    return value


def _webhook(value: Any) -> Any:
    """Its own words where it is no mapping: the usual ones repeat the value."""
    if not isinstance(value, dict | WebhookModel):
        refuse("PLAN123", "this is not a webhook", expected="a mapping: {url_from: HOOK_URL, secret_from: HOOK_SECRET}")
    return value


def _event(value: Any) -> str:
    if value not in EVENTS:
        close = difflib.get_close_matches(str(value)[:40], EVENTS, 1)
        hint = f"did you mean `{close[0]}`?" if close else ""
        refuse("PLAN110", "this is not an event", expected=", ".join(EVENTS), hint=hint)
    return str(value)


def _template(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        refuse("PLAN103", "this is not a template", expected=f"text of at most {_LONGEST} characters")
    template = Template(value)
    if not template.is_valid():
        refuse("PLAN124", "a `$` stands alone", expected="$name, ${name}, or $$ for a dollar sign")
    for name in template.get_identifiers():
        if name not in FIELDS:
            refuse("PLAN124", f"there is no field `{name[:40]}`", expected=", ".join(FIELDS))
    return value


def _distinct(receivers: tuple[ReceiverModel, ...]) -> tuple[ReceiverModel, ...]:
    names = [one.name for one in receivers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        refuse("PLAN103", f"two receivers are called `{twice}`", expected="a name of its own for each")
    return receivers


Variable = Annotated[
    str, BeforeValidator(_variable), WithJsonSchema({"type": "string", "pattern": "^[A-Z_][A-Z0-9_]*$"})
]
Text = Annotated[str, BeforeValidator(_template), WithJsonSchema({"type": "string", "maxLength": _LONGEST})]
Event = Annotated[str, BeforeValidator(_event), WithJsonSchema({"enum": list(EVENTS)})]


class WebhookModel(Strict):
    """A web server that takes CloudEvents, signed as Standard Webhooks defines."""

    url_from: Variable = Field(description="The environment variable with its address: https, or this machine.")
    secret_from: Variable = Field(description="The environment variable with the secret: `whsec_…`.")
    mode: Literal["structured", "binary"] = Field(
        default="structured", description="The event as one JSON document, or its attributes as headers."
    )


class ReceiverModel(Strict):
    """One receiver of notifications: by `apprise` or by `webhook`."""

    name: Annotated[
        str, BeforeValidator(_receiver), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$"})
    ] = Field(description="What it is called; renamed, it counts as a new receiver.")
    apprise: Variable | None = Field(
        default=None,
        description="The environment variable with the address, in apprise's form: `slack://…`, `mailto://…`.",
    )
    webhook: Annotated[WebhookModel | None, BeforeValidator(_webhook)] = Field(
        default=None, description="A web server that takes CloudEvents."
    )
    events: tuple[Event, ...] = Field(default=USUAL, description="What it is told.", strict=False)
    plans: tuple[str, ...] = Field(default=("*",), description="Which plans, by name: globs.", strict=False)
    subject: Text | None = Field(default=None, description="The subject, with fields such as `$plan`.")
    body: Text | None = Field(default=None, description="The text, with fields such as `$reason`.")

    @model_validator(mode="after")
    def _one_way(self) -> ReceiverModel:
        if (self.apprise is None) == (self.webhook is None):
            refuse("PLAN103", "a receiver is told in one way", expected="either `apprise` or `webhook`")
        return self

    def rule(self) -> Rule:
        """What the engine knows of it."""
        hook = self.webhook
        return Rule(
            name=self.name,
            kind="webhook" if hook else "apprise",
            url_from=hook.url_from if hook else self.apprise or "",
            secret_from=hook.secret_from if hook else "",
            mode=hook.mode if hook else "structured",
            events=self.events,
            plans=self.plans,
            subject=self.subject or "",
            body=self.body or "",
        )


Notifications = Annotated[tuple[ReceiverModel, ...], Field(max_length=MOST, strict=False), AfterValidator(_distinct)]
