"""`rollout init`: a repository that one can push, and with `--ci` the workflows or pipelines that run it."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.scaffold import Place, name_for, repository_files, sample_files, written
from rollout.errors import UsageError

if TYPE_CHECKING:
    from rollout.forge.workflows import Wanted

FORGES: Final = ("github", "azure-devops", "gitlab")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_USES: Final = re.compile(r"(\./|[A-Za-z0-9_.-]+/)[A-Za-z0-9_./-]+(@[0-9a-f]{40}( # [A-Za-z0-9._-]+)?)?")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    folder: Path
    name: str
    sample: str
    ci: str
    target: str | None
    environment: str
    branch: str
    action: str
    requirement: str


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@options.option("--name", default="", metavar="NAME", help="The plan's and endpoint's name; by default the folder's.")
@options.option("--from", "sample", default="", metavar="SAMPLE", help="Begin with a sample plan, e.g. house-prices.")
@options.option(
    "--ci", type=click.Choice(FORGES), help="Write the workflows, too; into a repository that is there, only them."
)
@options.target
@options.option("--environment", default="production", metavar="NAME", help="The environment whose reviewers approve.")
@options.option("--branch", default="main", metavar="NAME", help="The branch whose merges are applied.")
@options.option(
    "--action", default="", metavar="USES", help="An action to use, OWNER/REPO@COMMIT; by default a local one."
)
@options.option("--requirement", default="", help="What pip installs in a job; by default this version of rollout.")
def init(
    folder: Path,
    name: str,
    sample: str,
    ci: str | None,
    target: str | None,
    environment: str,
    branch: str,
    action: str,
    requirement: str,
) -> int:
    """Write a repository to begin with into FOLDER: a plan with its files, configuration, hooks, the editor's schema.

    Nothing is ever overwritten: what is there already stays, and is said.
    """
    wish = Wish(
        folder=folder,
        name=name or name_for(folder),
        sample=sample,
        ci=ci or "",
        target=target,
        environment=environment,
        branch=branch,
        action=action,
        requirement=requirement or _this_version(),
    )
    _check(wish)
    wanted = _wanted(wish)
    fresh = [path for path, made in written(folder, wanted) if _tell(folder / path, made=made)]
    click.echo(_next(wish) if fresh else "nothing to write: everything is there", err=True)
    return exits.OK


def _wanted(wish: Wish) -> dict[str, str | bytes]:
    """All files. Where plans are already and workflows are asked for, only the workflows."""
    found: dict[str, str | bytes] = {}
    if not (wish.ci and _has_plans(wish.folder)):
        place = _place(wish.target)
        found.update(repository_files(wish.name, wish.requirement, place))
        if wish.sample:
            found = {path: text for path, text in found.items() if not path.startswith("plans/")}
            from rollout.cli.demo import samples

            found.update(sample_files(samples(), wish.sample))
    if wish.ci:
        from rollout.forge.workflows import LOCAL_ACTION, Wanted

        told = Wanted(
            branch=wish.branch,
            environment=wish.environment,
            overlay=wish.environment if _has_overlay(wish) else "",
            requirement=wish.requirement,
            action=wish.action or LOCAL_ACTION,
        )
        found.update(_ci_files(wish.ci, told))
    return found


def _ci_files(forge: str, wanted: Wanted) -> dict[str, str]:
    if forge == "azure-devops":
        from rollout.forge.pipelines import azure_files

        return azure_files(wanted)
    if forge == "gitlab":
        from rollout.forge.gitlab_files import gitlab_files

        return gitlab_files(wanted)
    from rollout.forge.workflows import github_files

    return github_files(wanted)


def _has_plans(folder: Path) -> bool:
    from rollout.plan.load import find_plans

    plans = folder / "plans"
    return plans.is_dir() and bool(find_plans([plans]))


def _has_overlay(wish: Wish) -> bool:
    overlays = wish.folder / "plans" / "overlays"
    return any((overlays / f"{wish.environment}{suffix}").is_file() for suffix in (".yml", ".yaml"))


def _place(target: str | None) -> Place | None:
    if not target or target == "emulator":
        return None
    from rollout.cli.targets import resolve

    known = resolve(target, None).target
    return Place(subscription_id=known.subscription_id, resource_group=known.resource_group, workspace=known.workspace)


def _check(wish: Wish) -> None:
    """What is written into YAML must be plain words."""
    for flag, text in (("--name", wish.name), ("--environment", wish.environment), ("--branch", wish.branch)):
        if not _WORD.fullmatch(text):
            raise UsageError(f"{flag} {text!r} is not a plain name", hint="letters, digits, dots, dashes")
    if wish.action and not _USES.fullmatch(wish.action):
        raise UsageError(f"--action {wish.action!r} is not OWNER/REPO@COMMIT", hint="pin it by its 40-digit commit")
    if any(char in wish.requirement for char in '"\n\\'):
        raise UsageError("--requirement holds quotes or line ends")


def _this_version() -> str:
    try:
        return f"azureml-rollout=={version('azureml-rollout')}"
    except PackageNotFoundError:
        return "azureml-rollout"


def _tell(path: Path, *, made: bool) -> bool:
    click.echo(f"{'wrote' if made else 'kept '} {path}")
    return made


def _next(wish: Wish) -> str:
    lines = ["next: rollout validate plans"]
    if wish.ci:
        page = "docs/ci.md" if wish.ci == "github" else f"docs/{wish.ci}.md"
        lines.append(f"      {page} of rollout tells which identities, environments and permissions it needs")
    return "\n".join(lines)
