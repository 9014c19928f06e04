"""`rollout doctor`: everything that a rollout needs, tried before the first write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.checkup import Check, Checkup, State, worst
from rollout.cli.options import Output
from rollout.cli.place import Place
from rollout.cli.printing import publish_value
from rollout.cli.running import run
from rollout.cli.session import load, place_of
from rollout.cli.targets import resolve
from rollout.core.permissions import custom_role, needed
from rollout.plan.load import LoadedPlan
from rollout.render.document import FORMAT_VERSION
from rollout.render.saved import to_json
from rollout.render.styled import Line, Meaning, line, spans

_SIGNS: Final[dict[State, tuple[str, Meaning]]] = {
    "ok": ("✓", "good"),
    "missing": ("✗", "bad"),
    "skipped": ("–", "dim"),
}


@click.command()
@options.plan_argument(required=False)
@options.target
@options.plain_output
@options.option("--notify", "send", is_flag=True, help="Send a sample to each receiver of notifications.")
@options.option("--role", "role_only", is_flag=True, help="Print the least custom role as JSON, and try nothing.")
def doctor(plan: Path | None, target: str | None, outputs: tuple[Output, ...], send: bool, role_only: bool) -> int:
    """Try what PLAN needs, without writing: sign-in, control plane, scoring host, permissions, locks, tags, capacity,
    receivers of notifications, the forge's token.

    Without a plan: what every plan needs. Ends with the least custom role that would do; exit 9 if anything is missing.
    """
    loaded = load(plan) if plan else None
    place = place_of(loaded, target) if loaded else resolve(target, None)
    release = loaded.release if loaded else None
    if role_only:
        click.echo(to_json(custom_role(needed(release), place.target.paths.subscription)), nl=False)
        return exits.OK
    checks, role = run(_checked(place, loaded, send=send))
    bad = worst(checks) == "missing"
    code = exits.SIGN_IN if bad else exits.OK
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "exit_code": code,
        "checks": msgspec.to_builtins(checks),
        "role": role,
    }
    publish_value(document, _lines(place, checks, role), outputs)
    return code


async def _checked(place: Place, loaded: LoadedPlan | None, *, send: bool) -> tuple[list[Check], dict[str, Any]]:
    from rollout.azure.target import connect

    async with connect(place.target) as connection:
        checkup = Checkup(connection, loaded.release if loaded else None)
        checks = await checkup.run()
        if loaded is not None:
            from rollout.cli.checkup_people import forge_rights, receivers

            checks += await receivers(loaded.path, connection.notebook, send=send)
            checks += await forge_rights(loaded.path)
        return checks, custom_role(checkup.wanted, place.target.paths.subscription)


def _lines(place: Place, checks: Sequence[Check], role: dict[str, Any]) -> Iterator[Line]:
    yield line(place.label, "title")
    width = max(len(check.name) for check in checks)
    for check in checks:
        sign, meaning = _SIGNS[check.state]
        yield spans((f"  {sign} ", meaning), (f"{check.name:{width}}  {check.found}", ""))
        if check.remedy:
            yield line(f"    {'':{width}}  → {check.remedy}", "warn")
    yield line()
    yield line("The least role (az role definition create --role-definition FILE):", "title")
    for text in to_json(role).splitlines():
        yield line(text)
