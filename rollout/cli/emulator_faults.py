"""`rollout emulator fault list|add|clear|load|presets`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from rollout.cli import exits, fault_plan, options
from rollout.cli.emulated import state_dir
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.emulator import process
from rollout.emulator.faults import Delay, Drop, Effect, Fail, Fault, Stale, Status
from rollout.emulator.presets.all import GROUPS, PRESETS
from rollout.emulator.world import Kind
from rollout.errors import UsageError
from rollout.render.styled import line

folder_option = options.option(
    "--state-dir", "folder", type=click.Path(path_type=Path), help="The emulator's; as for `rollout emulator start`."
)


@click.group()
def fault() -> None:
    """Let the emulator fail as the service does: at the next request, operation or scoring request."""


@fault.command("list")
@folder_option
@options.plain_output
def listed(folder: Path | None, outputs: tuple[Output, ...]) -> int:
    """Show the faults that still wait for their moment."""
    waiting = process.door(state_dir(folder), "GET", "faults")["waiting"]
    publish_value({"faults": waiting}, [line(_sentence(each)) for each in waiting] or [line("none")], outputs)
    return exits.OK


@fault.command()
@folder_option
def clear(folder: Path | None) -> int:
    """Forget all faults."""
    process.door(state_dir(folder), "PUT", "faults", [])
    click.echo("no faults")
    return exits.OK


@fault.command()
@click.argument("file", type=click.Path(path_type=Path))
@folder_option
def load(file: Path, folder: Path | None) -> int:
    """Take the faults of FILE (YAML or JSON) in the place of all others."""
    return _sent(state_dir(folder), "PUT", fault_plan.read(file))


@fault.command()
@options.plain_output
def presets(outputs: tuple[Output, ...]) -> int:
    """Show every fault that has a name, with its source."""
    table = [
        {"group": group, "name": each.name, "what": each.what, "source": each.source}
        for group, members in GROUPS.items()
        for each in members
    ]
    wide = max(len(name) for name in PRESETS)
    lines = [line(f"{each['name']:{wide}}  {each['what']} ({each['source']})") for each in table]
    publish_value({"presets": table}, lines, outputs)
    return exits.OK


@fault.command()
@click.argument("preset", required=False)
@folder_option
@options.option("--method", help="A regular expression for the method.")
@options.option("--path", help="A regular expression that is searched in path and query.")
@options.option("--nth", type=click.IntRange(1), help="Fire from the nth match on.")
@options.option("--times", type=click.IntRange(0), help="Fire so often; 0: for good.")
@options.option("--area", type=click.Choice(["arm", "data", "any"]), help="Resource Manager, scoring, or both.")
@options.option("--deployment", help="A regular expression: scoring requests that are routed to such a deployment.")
@options.option("--status", type=click.IntRange(100, 599), help="Answer with this status.")
@options.option("--code", help="With this error code (with --status or --fail).")
@options.option("--message", help="And this message.")
@options.option("--retry-after", type=click.IntRange(0), help="And this Retry-After, in seconds (with --status).")
@options.option("--drop", is_flag=True, help="Cut the connection.")
@options.option("--after-acting", is_flag=True, help="But carry the request out before (with --status or --drop).")
@options.option("--delay", type=click.FloatRange(0), help="Answer so many real seconds later.")
@options.option("--stale", is_flag=True, help="Show the state before the last change.")
@options.option("--fail", type=click.Choice([kind.value for kind in Kind]), help="Let the next such operation fail.")
@options.option("--operation", type=click.Choice([kind.value for kind in Kind]), help="Of a PRESET that fails one.")
def add(folder: Path | None, preset: str | None, **wish: Any) -> int:
    """Add a fault: a PRESET (`rollout emulator fault presets`), or what the flags say."""
    given = {name: value for name, value in wish.items() if value is not None and value is not False}
    return _sent(state_dir(folder), "POST", [_wished(preset, given)])


def _wished(preset: str | None, given: dict[str, Any]) -> Fault:
    """The fault of the flags: of a preset with changes, or made of them alone. Raises UsageError."""
    if preset is None:
        effect = _effect(given)
        base = Fault(effect=effect)
    else:
        base = _named(preset, given)
    times = given.pop("times", base.times)
    changed = {name: given.pop(name) for name in ("method", "path", "nth", "area", "deployment") if name in given}
    if given:
        raise UsageError(f"--{next(iter(given)).replace('_', '-')} does not go with the rest")
    return msgspec.structs.replace(base, times=times or None, **changed)


def _named(preset: str, given: dict[str, Any]) -> Fault:
    try:
        found = fault_plan.preset(preset)
    except ValueError as error:
        raise UsageError(str(error).partition(" - at ")[0], hint="rollout emulator fault presets") from error
    effect = found.effect
    if isinstance(effect, Fail) and (kind := given.pop("operation", None)):
        effect = msgspec.structs.replace(effect, operation=Kind(kind))
    if isinstance(effect, Status) and (seconds := given.pop("retry_after", None)) is not None:
        effect = msgspec.structs.replace(effect, retry_after=seconds)
    return msgspec.structs.replace(found, effect=effect)


def _effect(given: dict[str, Any]) -> Effect:
    """The one effect that the flags name; what belongs to it is taken out of them."""
    kinds = [name for name in ("status", "drop", "delay", "stale", "fail") if name in given]
    if len(kinds) != 1:
        raise UsageError(
            "give a preset, or one of --status, --drop, --delay, --stale and --fail",
            hint="rollout emulator fault presets",
        )
    value = given.pop(kinds[0])
    words = {name: given.pop(name) for name in ("code", "message") if kinds[0] in ("status", "fail") and name in given}
    match kinds[0]:
        case "status":
            more = {name: given.pop(name) for name in ("retry_after", "after_acting") if name in given}
            return Status(status=value, **words, **more)
        case "drop":
            return Drop(after_acting=given.pop("after_acting", False))
        case "delay":
            return Delay(seconds=value)
        case "stale":
            return Stale()
        case _:
            return Fail(operation=Kind(value), **words)


def _sent(where: Path, method: str, faults: list[Fault]) -> int:
    process.door(where, method, "faults", msgspec.to_builtins(faults))
    for each in _lines(faults):
        click.echo(each)
    return exits.OK


def _lines(faults: Iterable[Fault]) -> Iterable[str]:
    for each in faults:
        yield _sentence({"fault": msgspec.to_builtins(each), "seen": 0, "left": each.times})


def _sentence(waiting: dict[str, Any]) -> str:
    """A fault in words: what, where, how often."""
    rule, effect = waiting["fault"], waiting["fault"]["effect"]
    what = {name: value for name, value in effect.items() if name in _TELLING and value not in (None, "", False)}
    told = " ".join((effect["kind"], *(str(value) for value in what.values())))
    at = [rule.get("method", ".*"), rule.get("path", ""), rule.get("deployment") or ""]
    where = " ".join(part for part in at if part not in ("", ".*"))
    often = "for good" if waiting["left"] is None else f"{waiting['left']} ×"
    if (nth := rule.get("nth", 1)) - waiting["seen"] > 1:
        often += f", from match {nth} on"
    name = f"{rule['name']}: " if rule.get("name") else ""
    return f"{name}{told}{' at ' if where else ''}{where} ({often})"


_TELLING = ("operation", "code", "status", "retry_after", "after_acting", "seconds", "cores")
