"""The command `rollout`: the table of commands, and the one place where faults become messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import click

from rollout.cli import exits
from rollout.cli.complain import complain, crashed, interrupted
from rollout.cli.lazy import Entry, LazyGroup
from rollout.cli.options import COLOUR
from rollout.errors import RolloutError

_HERE: Final = "rollout.cli"
COMMANDS: Final = MappingProxyType(
    {
        "validate": Entry(f"{_HERE}.validate:validate", "Check plans and their files; offline."),
        "rehearse": Entry(
            f"{_HERE}.rehearse:rehearse_", "Walk plans to their end in thought, offline: what is done when."
        ),
        "simulate": Entry(
            f"{_HERE}.simulate:simulate", "Run a plan on the emulator at high speed, under made-up traffic."
        ),
        "diff": Entry(f"{_HERE}.look:diff", "Show what a plan would still do; changes nothing."),
        "apply": Entry(f"{_HERE}.apply:apply", "Do what a plan asks for, as far as it goes now."),
        "reconcile": Entry(f"{_HERE}.reconcile:reconcile", "One bounded pass over many plans, for scheduled jobs."),
        "worker": Entry(f"{_HERE}.worker:worker", "Carry on what a queue in Postgres names, beside other workers."),
        "store": Entry(f"{_HERE}.store:store", "The history of the workers' decisions: upgrade, show."),
        "queue": Entry(f"{_HERE}.queue:queue", "The queue of the workers: setup, add, status."),
        "status": Entry(f"{_HERE}.look:status", "Show how a rollout stands."),
        "dashboard": Entry(f"{_HERE}.dashboard:dashboard", "Every endpoint and rollout as web pages on this machine."),
        "report": Entry(f"{_HERE}.report:report", "What happened to a rollout, when and why, as one file."),
        "render": Entry(f"{_HERE}.render:render", "Show a saved result in another form; offline."),
        "policy": Entry(f"{_HERE}.policy:policy", "Show the policy of a plan, or try a policy on cases; offline."),
        "audit": Entry(f"{_HERE}.audit:audit", "Check or show what `--audit FILE` wrote down; offline."),
        "replay": Entry(f"{_HERE}.audit:replay", "Derive every decision that was written down again; offline."),
        "rejudge": Entry(f"{_HERE}.rejudge:rejudge", "Judge the recorded checks of a bake again; offline."),
        "ci": Entry(f"{_HERE}.ci:ci", "Run validate, diff, apply or reconcile over many plans, as a job wants it."),
        "init": Entry(f"{_HERE}.init:init", "Write a repository to begin with; --ci github: its workflows."),
        "publish": Entry(f"{_HERE}.publish:publish", "Tell people on GitHub: comment, status, drift, revert."),
        "history": Entry(f"{_HERE}.history:history", "Show who moved what, when, from which commit."),
        "notify": Entry(f"{_HERE}.notify:notify", "Show who is told of what; --test: send a sample to each."),
        "approve": Entry(f"{_HERE}.person:approve", "Say yes to an approval gate."),
        "promote": Entry(f"{_HERE}.person:promote", "Let the gate that is waited for pass, or all of them."),
        "promote-to": Entry(
            f"{_HERE}.promoting:promote_to", "Give the next environment's plan what is promoted in this one."
        ),
        "rollback": Entry(f"{_HERE}.person:rollback", "Give all traffic back to what is promoted."),
        "hold": Entry(f"{_HERE}.person:hold", "Stop a rollout until `resume`."),
        "resume": Entry(f"{_HERE}.person:resume", "End a hold."),
        "retry": Entry(f"{_HERE}.person:retry", "Try a goal again that failed."),
        "adopt": Entry(f"{_HERE}.person:adopt", "Say which deployment is stable, and take the endpoint over."),
        "disown": Entry(f"{_HERE}.person:disown", "Give an endpoint up: take rollout's tags off."),
        "unlock": Entry(f"{_HERE}.locking:unlock", "Take an endpoint's lock away from a holder that is gone."),
        "destroy": Entry(f"{_HERE}.destroy:destroy", "Delete an endpoint with all its deployments."),
        "import": Entry(f"{_HERE}.importing:import_", "Write a plan for an endpoint that serves already."),
        "fmt": Entry(f"{_HERE}.edit:fmt", "Format plans; comments stay."),
        "set": Entry(f"{_HERE}.edit:set_", "Change a value in a plan or an `az ml` file; comments stay."),
        "doctor": Entry(f"{_HERE}.doctor:doctor", "Try what a plan needs, without writing: sign-in, permissions, …"),
        "schema": Entry(f"{_HERE}.reference:schema", "Print a JSON Schema."),
        "explain": Entry(
            f"{_HERE}.reference:explain", "Explain a code, a field of a plan, the exit codes; or what a gate shows."
        ),
        "emulator": Entry(f"{_HERE}.emulator:emulator", "A local Azure ML: start, stop, status, env, logs."),
        "demo": Entry(f"{_HERE}.demo:demo", "Watch whole rollouts under load on an emulator of its own."),
        "completion": Entry(f"{_HERE}.reference:completion", "Print the completion script of a shell."),
    }
)
SETTINGS: Final = {"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "ROLLOUT", "max_content_width": 120}


@click.group(cls=LazyGroup, entries=COMMANDS, context_settings=SETTINGS)
@click.version_option(package_name="azureml-rollout", prog_name="rollout")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    envvar="ROLLOUT_COLOR",
    help="Colours; auto: NO_COLOR, FORCE_COLOR, then whether it is a terminal.",
)
@click.option("--debug", is_flag=True, envvar="ROLLOUT_DEBUG", help="Show tracebacks of unexpected errors.")
@click.pass_context
def cli(ctx: click.Context, color: str, debug: bool) -> None:
    """Declarative rollouts for Azure Machine Learning online endpoints."""
    ctx.obj = debug
    ctx.meta[COLOUR] = color


def main(args: Sequence[str] | None = None) -> int:
    """Run one command. Every fault ends as a sentence on stderr and its exit code; never as a traceback."""
    arguments = list(sys.argv[1:] if args is None else args)
    # What a plan means must not depend on what else is installed; and looking for plugins costs start-up time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        result = cli.main(arguments, prog_name="rollout", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return _pipe_closed()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return exits.INVALID
    except click.UsageError as error:
        error.show()
        return exits.INVALID
    except click.ClickException as error:
        error.show()
        return exits.ERROR
    except exits.Terminated:
        return interrupted(exits.TERMINATED)
    except (KeyboardInterrupt, click.Abort):
        return interrupted(exits.INTERRUPTED)
    except RolloutError as error:
        return complain(error)
    except Exception as error:
        return crashed(error, debug="--debug" in arguments or bool(os.environ.get("ROLLOUT_DEBUG")))
    return result if isinstance(result, int) else exits.OK


def _pipe_closed() -> int:
    """The reader of our output went away (`rollout diff | head`): that is not an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exits.OK
