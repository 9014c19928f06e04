"""Is there anybody behind the front end? Its 424 without a model's own status says that there is not, for now. Pure."""

from __future__ import annotations

from typing import Final

from rollout.ports import ScoringAnswer

REASON: Final = "ms-azureml-model-error-reason"
MODEL_STATUS: Final = "ms-azureml-model-error-statuscode"
_NOT_READY: Final = frozenset({"model_not_ready", "too_few_model_instance"})
"""Microsoft's own client tries again elsewhere for these two (azureml-assets, batch_score)."""


def header(answer: ScoringAnswer, name: str) -> str:
    """A header's value, whatever its case; "" without one."""
    return {key.lower(): value for key, value in answer.headers.items()}.get(name, "")


def not_ready(answer: ScoringAnswer) -> str:
    """The front end's word for "no instance can answer now"; "" where the model itself has answered."""
    reason = header(answer, REASON)
    return reason if answer.status == 424 and reason in _NOT_READY else ""
