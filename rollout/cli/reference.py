"""`rollout schema`, `explain` and `completion`: what the tool knows about itself."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from rollout.cli import exits, options
from rollout.errors import UsageError

LANGUAGE = ("rollout-plan", "fleet", "repository", "policy", "overlay")
SCHEMAS = (*LANGUAGE, "change-set", "validation", "reconciliation", "failure", "fleet-report", "report", "notification")


@click.command()
@click.argument("name", type=click.Choice(SCHEMAS), default="rollout-plan")
def schema(name: str) -> int:
    """Print a JSON Schema: of plans, fleets, rollout.yaml and policy.yaml (for editors), or of what --output gives."""
    if name not in LANGUAGE:
        from rollout.render.schema import output_schema_text

        click.echo(output_schema_text(name), nl=False)
        return exits.OK
    if name == "overlay":
        from rollout.plan.overlay_schema import overlay_schema_text

        click.echo(overlay_schema_text(), nl=False)
        return exits.OK
    from rollout.plan import schema as schemas

    texts = {
        "fleet": schemas.fleet_schema_text,
        "repository": schemas.repository_schema_text,
        "policy": schemas.policy_schema_text,
        "rollout-plan": schemas.plan_schema_text,
    }
    click.echo(texts[name](), nl=False)
    return exits.OK


@click.command()
@click.argument("code", metavar="[CODE|FIELD|GATE]", default="exit-codes")
@options.option("--plan", type=click.Path(path_type=Path), help="GATE is a gate of this plan: measure it now.")
@options.option("--record", type=click.Path(path_type=Path, allow_dash=True), help="GATE is in this saved result.")
@options.target
@options.layers
@options.three_forms
def explain(
    code: str, plan: Path | None, record: Path | None, target: str | None, outputs: tuple[options.Output, ...]
) -> int:
    """Say what a code (such as PLAN101), a field of a plan (such as stages.bake.for) or a hazard means.

    Without any, or with exit-codes, the exit codes; with hazards, all of those. With --plan or --record the name is
    that of a gate: what it shows now, or showed then, and why.
    """
    if plan is not None or record is not None:
        from rollout.cli.explain_gate import live, recorded, tell

        if plan is not None and record is not None:
            raise UsageError("--plan and --record are two questions", hint="give one of them")
        return tell(live(code, plan, target) if plan else recorded(code, record or Path("-")), outputs)
    if outputs:
        raise UsageError("--output is for gates", hint="give --plan PLAN, or --record FILE")
    if code == "exit-codes":
        for number, meaning in exits.MEANING.items():
            click.echo(f"{number:>4}  {meaning}")
        return exits.OK
    from rollout.core.hazards import HAZARDS
    from rollout.plan.codes import CODES

    named = HAZARDS if code == "hazards" else {name: HAZARDS[name] for name in [code] if name in HAZARDS}
    if named:
        width = max(map(len, named))
        click.echo("".join(f"{name.ljust(width)}  {sentence}\n" for name, sentence in named.items()), nl=False)
        return exits.OK
    found = CODES.get(code.upper())
    if found is None:
        return _explain_field(code)
    click.echo(f"{code.upper()}: {found.title}\n\n{click.wrap_text(found.text, width=100)}")
    return exits.OK


def _explain_field(path: str) -> int:
    from rollout.plan.codes import CODES
    from rollout.plan.field_help import field_help, field_names

    told = field_help(path)
    if told is None:
        close = get_close_matches(path.upper(), CODES, 1) or get_close_matches(path, field_names(), 1)
        hint = f"did you mean {close[0]}?" if close else "a code, a field such as stages.bake.for, or exit-codes"
        kind = "field" if path.islower() else "code"
        raise UsageError(f"there is no {kind} {path}", hint=hint)
    click.echo(told, nl=False)
    return exits.OK


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for SHELL, to be put into its start-up files."""
    from click.shell_completion import get_completion_class

    from rollout.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    click.echo(kind(cli, {}, "rollout", "_ROLLOUT_COMPLETE").source())
    return exits.OK
