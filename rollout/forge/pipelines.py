"""The files that a repository in Azure DevOps needs: three pipelines, and the steps that they have in common."""

from __future__ import annotations

from typing import Final

from rollout.forge.workflows import Wanted, filled

CRON: Final = "*/15 * * * *"
"""Azure Pipelines starts about 1,000 scheduled runs of a pipeline a week; every ten minutes would be 1,008."""
READER: Final = "rollout-reader"
WRITER: Final = "rollout-writer"
"""Service connections of Azure Resource Manager with workload identity federation."""
_PIPELINES: Final = ("steps", "pull-request", "apply", "reconcile")


def azure_files(wanted: Wanted) -> dict[str, str]:
    """Path and text of each file."""
    values = {
        "PLANS": wanted.plans,
        "BRANCH": wanted.branch,
        "ENVIRONMENT": wanted.environment,
        "OVERLAY": wanted.overlay or '""',
        "INSTALL": wanted.requirement,
        "READER": READER,
        "WRITER": WRITER,
        "CRON": CRON,
    }
    return {f".azure-pipelines/rollout-{name}.yml": filled("azure-devops", name, values) for name in _PIPELINES}
