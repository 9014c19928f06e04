"""From a path to a release: read, validate, resolve and lower, with every fault of every file at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from rollout.core.release import EndpointSpec, Release
from rollout.errors import Fault, PlanError
from rollout.plan import positions
from rollout.plan.az_fields import endpoint_spec
from rollout.plan.az_files import check_deployment, check_endpoint
from rollout.plan.az_rules import check_computes
from rollout.plan.documents import Document, resolve, what_is
from rollout.plan.governing import under_policy
from rollout.plan.layered import NOTHING, Local, read_plan
from rollout.plan.layers import PlanFile
from rollout.plan.loader import load_file, read_text
from rollout.plan.lowering import Ways, check_mirror, lower, lower_stages
from rollout.plan.models import MOST_STAGES, AnyStageModel, PlanModel
from rollout.plan.roles import ROLES
from rollout.plan.shapes import NAME_PATTERN
from rollout.plan.stages import StageReader
from rollout.plan.translate import faults_of
from rollout.plan.variables import Used

_NAME: Final = re.compile(NAME_PATTERN)
_FLEET: Final = re.compile(r"""^["']?kind["']?\s*:\s*["']?fleet\b""", re.MULTILINE)
_MOST_DEPLOYMENTS: Final = 8
"""So many are looked at; a good plan has two."""


class Target(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The workspace that a plan's endpoint lives in."""

    subscription_id: str
    resource_group: str
    workspace: str


class LoadedPlan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A plan, ready to decide about. `target` is None where neither the plan nor `rollout.yaml` says one; `variables`
    are those that it uses, with their values."""

    release: Release
    target: Target | None
    path: Path
    variables: tuple[Used, ...] = ()


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with all that a person may want to know about it. `model` is what was written, `ways` what it means,
    `broken` are the rules of the policy that it breaks: it may be looked at and rolled back, but not carried on;
    `limits` what each rule says, as it is written, by the rule's place."""

    loaded: LoadedPlan
    plan: PlanFile
    model: PlanModel
    ways: Ways
    documents: Mapping[str, Document]
    broken: tuple[Fault, ...] = ()
    limits: Mapping[str, Mapping[str, str]] = {}


def load_release(
    path: Path,
    *,
    commit: str = "",
    overlay: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    local: Local = NOTHING,
) -> LoadedPlan:
    """The plan at `path`, changed by the `overlay` and by what a fleet says of it (`local`), lowered to a release;
    `environment` gives variables their values.

    Raises PlanError with all faults of all its files.
    """
    return inspect_plan(path, commit=commit, overlay=overlay, environment=environment, local=local).loaded


def inspect_plan(
    path: Path,
    *,
    commit: str = "",
    overlay: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    text: str | None = None,
    local: Local = NOTHING,
) -> Inspection:
    """As `load_release`, with everything that was found out on the way. `text`: what the file shall hold."""
    faults: list[Fault] = []
    plan = read_plan(path, overlay, environment, faults, text, local)
    model = _validate(plan, faults)
    endpoint, documents = _documents(plan, plan.data, faults)
    ways = lower_stages(plan, model, faults) if model else None
    if ways is not None:
        faults.extend(check_mirror(plan, ways, tuple(documents.values())))
    if faults or model is None or ways is None or endpoint is None:
        raise PlanError(in_order(faults))
    try:
        release = lower(model, ways, endpoint, documents, commit)
    except OSError as error:
        message = f"cannot read `{error.filename}`: {error.strerror}"
        raise PlanError([plan.fault("PLAN306", (), message)]) from error
    governed = under_policy(plan, plan.repository.governed(release), ways, documents, faults)
    if faults:
        raise PlanError(in_order(faults))
    release = governed.release
    loaded = LoadedPlan(
        release=release, target=_target(model), path=path, variables=tuple(sorted(_used(plan), key=_by_name))
    )
    return Inspection(
        loaded=loaded,
        plan=plan,
        model=model,
        ways=ways,
        documents=documents,
        broken=tuple(in_order([*governed.broken])),
        limits=governed.limits,
    )


def _used(plan: PlanFile) -> set[Used]:
    return {used for layer in plan.layers for found in layer.used.values() for used in found}


def _by_name(used: Used) -> str:
    return used.name


def _target(model: PlanModel) -> Target | None:
    found = model.target
    if found is None:
        return None
    return Target(subscription_id=found.subscription_id, resource_group=found.resource_group, workspace=found.workspace)


def find_plans(paths: Iterable[Path]) -> list[Path]:
    """The plans among `paths`: files as they are; folders searched for YAML files that look like one, in order. What a
    fleet in such a folder carries on, in its own order, is not found there."""
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(_plans_in(path)) if path.is_dir() else [path])
    return list(dict.fromkeys(found))


def find_fleets(paths: Iterable[Path]) -> list[Path]:
    """The fleets among `paths`: files that say so, also those in folders, in order."""
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(filter(is_fleet, _files_in(path))) if path.is_dir() else filter(is_fleet, [path]))
    return list(dict.fromkeys(found))


def is_fleet(path: Path) -> bool:
    """Whether a file says that it is a fleet; one that cannot be read is none."""
    text = read_text(path, str(path)) if what_is(path) == "file" else ""
    return isinstance(text, str) and bool(_FLEET.search(text))


def looks_like_plan(path: Path) -> bool:
    """Whether the top level of a YAML file has `version:` and `stages:`; a broken file is searched as text."""
    loaded = load_file(path)
    if isinstance(loaded.data, dict):
        return "version" in loaded.data and "stages" in loaded.data and loaded.data.get("kind") != "overlay"
    text = loaded.source.text
    if re.search(r"^kind\s*:\s*overlay\b", text, re.MULTILINE):
        return False
    return bool(re.search(r"^version\s*:", text, re.MULTILINE) and re.search(r"^stages\s*:", text, re.MULTILINE))


def _plans_in(folder: Path) -> Iterator[Path]:
    files = list(_files_in(folder))
    fleets = [path for path in files if is_fleet(path)]
    members: frozenset[Path] = frozenset()
    if fleets:
        from rollout.plan.fleet_files import plans_of  # only where there is one: start-up time

        members = frozenset(member for fleet in fleets for member in plans_of(fleet))
    yield from (path for path in files if looks_like_plan(path) and (not members or path.resolve() not in members))


def _files_in(folder: Path) -> Iterator[Path]:
    """The YAML files below a folder that are not hidden."""
    for pattern in ("*.yml", "*.yaml"):
        for path in folder.rglob(pattern):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if not hidden and path.is_file():
                yield path


def _validate(plan: PlanFile, faults: list[Fault]) -> PlanModel | None:
    data = plan.data
    try:
        model = PlanModel.model_validate(data)
    except ValidationError as error:
        faults.extend(faults_of(error, PlanModel, data, plan))
        _check_stages_alone(plan, data.get("stages"), faults)
        model = None
    faults.extend(_form(plan, data))
    return model


def _check_stages_alone(plan: PlanFile, stages: Any, faults: list[Fault]) -> None:
    """The plan as a whole is wrong: still find what is wrong with the files that its good gates name."""
    if not isinstance(stages, list) or plan.data.get("deployments") is not None:
        return
    from pydantic import TypeAdapter  # loaded for plans with faults only: start-up time

    adapter: TypeAdapter[Any] = TypeAdapter(AnyStageModel)
    for index, stage in enumerate(stages[:MOST_STAGES]):
        try:
            StageReader(plan, ROLES, faults).read([(("stages", index), adapter.validate_python(stage))])
        except ValidationError:
            continue  # reported with the plan


def _form(plan: PlanFile, data: Mapping[str, Any]) -> Iterator[Fault]:
    roles, literal = data.get("candidate") is not None, data.get("deployments") is not None
    if roles and literal:
        yield plan.fault(
            "PLAN201",
            ("deployments",),
            "a plan has `candidate` or `deployments`, not both",
            key=True,
            expected="one of the two forms",
        )
    if not roles and not literal:
        yield plan.fault(
            "PLAN201",
            (),
            "the plan says nowhere what to deploy",
            expected="`candidate:` (or `deployments:`)",
            hint="did you mean `candidate`?" if "candidat" in str(list(data)) else "",
        )
    for key, wrong in (("slots", literal), ("bootstrap", roles)):
        if wrong and key in data:
            yield plan.fault(
                "PLAN201",
                (key,),
                f"`{key}` does not belong to this form of a plan",
                key=True,
                expected="`slots` beside `candidate`, `bootstrap` beside `deployments`",
            )
    slots = data.get("slots")
    if isinstance(slots, list) and len(slots) == 2 and slots[0] == slots[1]:
        yield plan.fault(
            "PLAN209", ("slots", 1), f"both slots are called `{slots[0]}`", expected="two names that differ"
        )


def _documents(
    plan: PlanFile, data: Mapping[str, Any], faults: list[Fault]
) -> tuple[EndpointSpec | None, dict[str, Document]]:
    """The endpoint and the deployments that the plan names, each checked by itself."""
    before = len(faults)
    endpoint = resolve(plan, ("endpoint",), data.get("endpoint"), faults)
    spec = None
    if endpoint is not None:
        faults.extend(check_endpoint(endpoint))
        faults.extend(_endpoint_name(plan, endpoint))
        if len(faults) == before:
            spec = endpoint_spec(endpoint, str(data.get("name", "")))
    found: dict[str, Document] = {}
    name = spec.name if spec else ""
    for at, key, value in _declared(data):
        document = resolve(plan, at, value, faults)
        if document is not None:
            faults.extend(check_deployment(document, name, key))
            faults.extend(check_computes(endpoint, document) if endpoint else ())
            found[key or "candidate"] = document
    return spec, found


def _endpoint_name(plan: PlanFile, endpoint: Document) -> Iterator[Fault]:
    name = endpoint.data.get("name")
    if isinstance(name, str) and not _NAME.match(name.lower()):
        yield endpoint.fault(
            "PLAN108",
            ("name",),
            f"`{name}` is not a name that the service accepts",
            expected="3 to 32 letters, digits and single dashes, starting with a letter",
        )


def _declared(data: Mapping[str, Any]) -> Iterator[tuple[positions.Path, str | None, Any]]:
    if data.get("candidate") is not None:
        yield ("candidate",), None, data["candidate"]
    deployments = data.get("deployments")
    if isinstance(deployments, Mapping):
        for name, value in islice(deployments.items(), _MOST_DEPLOYMENTS):
            yield ("deployments", name), name, value


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once; the plan's first, then those of other files, each in the order of its lines."""
    once = dict.fromkeys(faults)
    files = list(dict.fromkeys(fault.file for fault in once))
    found = sorted(once, key=lambda fault: (files.index(fault.file), fault.line, fault.column))
    if len(found) <= positions.MAX_FAULTS:
        return found
    more = Fault(file=found[0].file, code="PLAN013", message=f"only the first {positions.MAX_FAULTS} faults are shown")
    return [*found[: positions.MAX_FAULTS], more]
