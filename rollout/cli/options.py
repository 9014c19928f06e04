"""Options that several commands share. Every flag `--foo-bar` is also the variable `ROLLOUT_FOO_BAR`."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from rollout.core.shards import Shard, parse_shard
from rollout.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])
FORMATS: Final = (
    "text",
    "json",
    "markdown",
    "sarif",
    "junit",
    "prometheus",
    "github-annotations",
    "github-summary",
    "github-output",
    "azure-devops-annotations",
    "azure-devops-output",
)
"""Every form of `rollout.render.forms`, by name: those are imported when they are used."""
COLOUR: Final = "rollout.color"
"""Where the context keeps what `--color` says."""
PLAIN_FORMATS: Final = FORMATS[:2]
"""The forms of a result that is not about a plan."""
APPENDED: Final = MappingProxyType({"github-summary": "GITHUB_STEP_SUMMARY", "github-output": "GITHUB_OUTPUT"})
"""Forms that are appended to a file, and the variable that names it where `=PATH` does not."""

REPLACED: Final = frozenset({"prometheus"})
"""Forms whose file is replaced as a whole: a collector may read it at any moment."""


class Output(msgspec.Struct, frozen=True):
    """One form of the result, and where it goes (None: stdout)."""

    form: str
    path: Path | None = None


class OutputType(click.ParamType[Output]):
    """`FORMAT` or `FORMAT=PATH`."""

    name = "format[=path]"

    def __init__(self, formats: tuple[str, ...] = FORMATS) -> None:
        self._formats = formats

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:
        """Read it; an unknown format, or one that has nowhere to go, is a usage error."""
        if isinstance(value, Output):
            return value
        form, _, path = str(value).partition("=")
        if form not in self._formats:
            self.fail(f"{form!r} is not a format; there are {', '.join(self._formats)}", param, ctx)
        variable = APPENDED.get(form, "")
        if variable and not path:
            path = os.environ.get(variable, "")
            if not path:
                self.fail(f"{form!r} is appended to ${variable}, which is not set; or give {form}=PATH", param, ctx)
        return Output(form, Path(path) if path else None)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names of the formats."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._formats if name.startswith(incomplete)]


class ShardType(click.ParamType[Shard]):
    """`2/8`: the second of eight."""

    name = "i/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        """Read it."""
        try:
            return value if isinstance(value, Shard) else parse_shard(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a shard such as 2/8, the second of eight", param, ctx)


class MomentType(click.ParamType[datetime]):
    """A moment in ISO 8601, in UTC where it does not say."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a moment such as 2026-01-31T08:00Z", param, ctx)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class DurationType(click.ParamType[float]):
    """A duration as in a plan; seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; bare numbers are refused, as in a plan."""
        from rollout.plan.durations import EXPECTED, parse_duration

        if isinstance(value, float):
            return value
        try:
            return parse_duration(str(value))
        except ValueError:
            self.fail(f"{value!r} is not {EXPECTED}", param, ctx)


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """`click.option` that is also read from `ROLLOUT_…`, named after its long flag."""
    flag = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "ROLLOUT_" + flag.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **settings)


def plan_argument(*, required: bool = True) -> Callable[[F], F]:
    """The plan's path, and the overlay that changes it."""

    def decorate(function: F) -> F:
        return click.argument("plan", type=click.Path(path_type=Path), required=required)(layers(function))

    return decorate


_META: Final = "rollout.layers."


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    ctx.meta[f"{_META}{param.name}"] = value


def layers(function: F) -> F:
    """The options that choose an overlay. Commands need not hand them on: `overlay_for` knows what was given."""
    environment = option(
        "--environment",
        metavar="NAME",
        expose_value=False,
        callback=_remember,
        help="Apply overlays/NAME.yml, beside the plan, to it.",
    )
    overlay = option(
        "--overlay",
        metavar="FILE",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_remember,
        help="Apply this overlay to the plan.",
    )
    return environment(overlay(function))


def overlay_for(plan: Path) -> Path | None:
    """The overlay that the command line asks for. Raises UsageError if it asks twice, PlanError if there is none."""
    context = click.get_current_context(silent=True)
    given: dict[str, Any] = context.meta if context else {}
    overlay, environment = given.get(f"{_META}overlay"), given.get(f"{_META}environment")
    if overlay and environment:
        raise UsageError("--overlay and --environment name two overlays", hint="give one of them")
    if environment:
        from rollout.plan.layered import overlay_of

        return overlay_of(plan, environment)
    return Path(overlay) if overlay else None


def lock(function: F) -> F:
    """The options about the endpoint's lock. Commands need not hand them on: `lock_wish` knows what was given."""
    mode = option(
        "--lock",
        type=click.Choice(["none", "lease"]),
        default="none",
        expose_value=False,
        callback=_remember,
        help="Hold a lease in the workspace's storage meanwhile: one reconciler at a time.",
    )
    wait = option(
        "--lock-wait",
        type=DurationType(),
        expose_value=False,
        callback=_remember,
        help="Wait at most so long for it.",
    )
    return mode(wait(function))


def lock_wish() -> float | None:
    """How many seconds to wait for the endpoint's lock; None: none is wished for."""
    context = click.get_current_context(silent=True)
    given: dict[str, Any] = context.meta if context else {}
    return (given.get(f"{_META}lock_wait") or 0.0) if given.get(f"{_META}lock") == "lease" else None


def audit(function: F) -> F:
    """The option to write decisions down. Commands need not hand it on: `audit_place` knows what was given."""
    return option(
        "--audit",
        metavar="FILE",
        expose_value=False,
        callback=_remember,
        help="Write each decision with its inputs to the end of FILE, before anything is done; or into a database,"
        " sqlite:///PATH or postgresql://USER@HOST/DATABASE.",
    )(function)


def audit_place() -> str | None:
    """Where decisions are written down, a file's path or a database's address; None: nowhere."""
    context = click.get_current_context(silent=True)
    given: str | None = context.meta.get(f"{_META}audit") if context else None
    return given


def break_glass(function: F) -> F:
    """The option to go on in a closed window. Commands need not hand it on: `broken_glass` knows what was given."""
    return option(
        "--break-glass",
        metavar="REASON",
        expose_value=False,
        callback=_remember,
        help="Go on in a closed window, or though the line is stopped; REASON goes on record.",
    )(function)


def broken_glass() -> str:
    """The reason to go on in a closed window; "" where nobody gave one. Raises UsageError for an empty one."""
    context = click.get_current_context(silent=True)
    given: str | None = context.meta.get(f"{_META}break_glass") if context else None
    if given is not None and not given.strip():
        raise UsageError("--break-glass needs a reason", hint="--break-glass 'what is so urgent'; it goes on record")
    return (given or "").strip()


target = option(
    "--target",
    metavar="TARGET",
    help="`emulator`, SUBSCRIPTION/RESOURCE_GROUP/WORKSPACE, or a workspace's ARM id; by default the plan's.",
)
output = option(
    "--output",
    "-o",
    "outputs",
    type=OutputType(),
    multiple=True,
    help=f"{', '.join(FORMATS)}; each with =PATH to write it to a file; repeatable.",
)
expect_files = option(
    "--expect",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A change set that was approved: nothing else is done for its plan, or fleet; repeatable.",
)
many_output = option(
    "--output",
    "-o",
    "outputs",
    type=OutputType((*FORMATS, "jsonl")),
    multiple=True,
    help=f"{', '.join(FORMATS)}, or jsonl (a line for each plan as soon as it is done); each with =PATH; repeatable.",
)
parallel = option(
    "--parallel",
    default=16,
    show_default=True,
    type=click.IntRange(1, 256),
    help="How many endpoints at the same time.",
)
shard = option(
    "--shard",
    type=ShardType(),
    metavar="I/N",
    help="Only the I-th of N parts of the plans, for N jobs; each endpoint is in one.",
)
plain_output = option(
    "--output",
    "-o",
    "outputs",
    type=OutputType(PLAIN_FORMATS),
    multiple=True,
    help="text or json, each with =PATH to write it to a file; repeatable.",
)
three_forms = option(
    "--output",
    "-o",
    "outputs",
    type=OutputType(FORMATS[:3]),
    multiple=True,
    help="text, json or markdown, each with =PATH to write it to a file; repeatable.",
)
detailed = option("--detailed-exitcode", "detailed", is_flag=True, help="Exit 2 for changes or drift, 7 while waiting.")


def _hazards(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Each must be the name of a hazard (and its target)."""
    names = tuple(name.strip() for given in value for name in given.split(",") if name.strip())
    if not names:
        return names
    from rollout.core.hazards import HAZARDS, canonical, unknown

    for name in filter(unknown, names):
        close = get_close_matches(name, HAZARDS, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(HAZARDS)}"
        raise click.BadParameter(f"{name!r} is no hazard{hint}", ctx, param)
    return tuple(sorted(canonical(names)))


allow_hazard = option(
    "--allow-hazard",
    "hazards",
    multiple=True,
    metavar="HAZARD",
    callback=_hazards,
    help="Allow a hazard by its name; repeatable, or with commas.",
)
lifetime = option(
    "--lifetime",
    type=DurationType(),
    default="2h",
    show_default=True,
    help="How long the change set may be approved and started.",
)
max_wait = option("--max-wait", type=DurationType(), help="Wait at most so long (of the service's time).")
who = option("--who", default=None, help="Who does this, for the record; by default the user of the machine or CI.")
why = option("--why", "-m", default="", help="Why, for the record.")
endpoint_id = option("--endpoint", "endpoint", metavar="ID", help="The endpoint's ARM id or name, instead of a plan.")
