"""What a shell offers behind TAB where click alone knows nothing: the stages of the plan that was typed before."""

from __future__ import annotations

from pathlib import Path

import click


class Completing(click.Command):
    """A command whose options are completed behind its arguments, too.

    click gives the arguments up when the last word is an option without its value, which is just what is being typed.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, without the option that is being completed."""
        options = [found for found in self.params if isinstance(found, click.Option) and not found.is_flag]
        takes_value = {name for found in options for name in found.opts}
        if not (ctx.resilient_parsing and args and args[-1] in takes_value):
            return super().parse_args(ctx, args)
        super().parse_args(ctx, args[:-1])
        ctx.args = [*ctx.args, args[-1]]
        return ctx.args


def stages(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of the plan's stages; nothing while there is no plan, or no valid one."""
    plan = ctx.params.get("plan")
    if plan is None:
        return []
    from rollout.errors import RolloutError
    from rollout.plan.load import load_release

    try:
        found = load_release(Path(plan)).release.stages
    except (RolloutError, OSError):
        return []
    return [stage.name for stage in found if stage.name.startswith(incomplete)]
