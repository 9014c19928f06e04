"""Is a file that somebody is about to write still good? For whatever kind of file a repository of plans holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rollout.errors import Fault, PlanError
from rollout.plan.az_files import check_deployment, check_endpoint
from rollout.plan.documents import Document
from rollout.plan.load import inspect_plan
from rollout.plan.loader import Loaded, load_text
from rollout.plan.repository import FILE, find_repository
from rollout.plan.repository_model import RepositoryModel
from rollout.plan.translate import faults_of

_OF_ENDPOINTS = ("auth_mode", "traffic", "public_network_access")


def faults_in(path: Path, text: str, environment: Mapping[str, str] = os.environ) -> tuple[Fault, ...]:
    """Everything wrong with `text` as the contents of the plan, overlay, configuration or `az ml` file at `path`."""
    loaded = load_text(text, str(path))
    if loaded.faults or not isinstance(loaded.data, dict):
        return loaded.faults
    if loaded.data.get("kind") == "overlay":
        return ()  # only with its plan can it be judged
    if loaded.data.get("kind") == "fleet":
        return tuple(_fleet(loaded))
    if "stages" in loaded.data:
        try:
            inspect_plan(path, environment=environment, text=text)
        except PlanError as error:
            return error.faults
        return ()
    return tuple(_configuration(loaded)) if path.name == FILE else tuple(_document(path, loaded))


def _configuration(loaded: Loaded) -> list[Fault]:
    try:
        RepositoryModel.model_validate(loaded.data)
    except ValidationError as error:
        return faults_of(error, RepositoryModel, loaded.data, loaded.source)
    return []


def _fleet(loaded: Loaded) -> list[Fault]:
    """What is wrong with the file itself; its plans are read where it is validated."""
    from rollout.plan.fleet_models import FleetModel

    try:
        FleetModel.model_validate(loaded.data)
    except ValidationError as error:
        return faults_of(error, FleetModel, loaded.data, loaded.source)
    return []


def _document(path: Path, loaded: Loaded) -> list[Fault]:
    document = Document(loaded.data, loaded.source, path, repository=find_repository(path))
    if _is_endpoint(loaded.data):
        return list(check_endpoint(document))
    return list(check_deployment(document, "", None))


def _is_endpoint(data: Mapping[str, Any]) -> bool:
    schema = str(data.get("$schema", ""))
    return "Endpoint" in schema or ("Deployment" not in schema and any(key in data for key in _OF_ENDPOINTS))
