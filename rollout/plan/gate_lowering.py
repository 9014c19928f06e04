"""Gates as written → gates as measured: files read and checked, names turned into roles, everything in one digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rollout.core.gate_bodies import (
    OF_THE_PLAN,
    Approval,
    Bake,
    Compare,
    Expectation,
    GateBody,
    Golden,
    Metric,
    RequestFile,
    SmokeTest,
)
from rollout.core.release import Gate, GateKind, Role
from rollout.core.revision import canonical_json, gate_digest
from rollout.errors import Fault
from rollout.plan.compare_lowering import Complain, data_asset, json_lines, readable, whole_comparison
from rollout.plan.compare_models import CompareModel
from rollout.plan.documents import usable_file
from rollout.plan.evidence_lowering import EvidenceReader
from rollout.plan.gates import ExpectModel, GoldenModel, RecordedModel, RequestModel, SmokeTestModel
from rollout.plan.layers import PlanFile
from rollout.plan.models import ApprovalStage, BakeStage, CompareStage, MetricStage, SmokeTestStage
from rollout.plan.plain_schema import plainly_valid
from rollout.plan.positions import Path, present
from rollout.plan.roles import Cast

DEFAULT_LIMIT: Final = 3600.0
APPROVAL_LIMIT: Final = 7 * 86400.0
_MAX_REQUEST: Final = 10_000_000
_MAX_TOTAL: Final = 20_000_000
_MOST_REQUESTS: Final = 1000

GateStage = SmokeTestStage | CompareStage | BakeStage | MetricStage | ApprovalStage


class GateReader(msgspec.Struct, frozen=True):
    """Reads the gates of one plan; `default` is whom a gate is about if it does not say."""

    plan: PlanFile
    cast: Cast
    faults: list[Fault]
    default: Role = Role.CANDIDATE

    def gate(self, stage: GateStage, at: Path) -> Gate:
        """The gate at `at`, still without a name. What is wrong with it goes to `faults`."""
        kind = GateKind(stage.kind)
        path = (*at, stage.kind)
        body: GateBody
        if isinstance(stage, SmokeTestStage):
            body, limit = self._smoke_test(stage.smoke_test, path), stage.smoke_test.limit
        elif isinstance(stage, CompareStage):
            body, limit = self._compare(stage.compare, path), stage.compare.limit
        elif isinstance(stage, BakeStage):
            limit = stage.bake.limit
            body = self._bake(stage, path, self._limit(stage, at, limit))
        elif isinstance(stage, MetricStage):
            limit = stage.metric.limit
            body = self._metric(stage, path, self._limit(stage, at, limit))
        else:
            body, limit = Approval(message=stage.approval.message), stage.approval.limit
        limit = self._limit(stage, at, limit)
        return Gate(
            name="",
            kind=kind,
            digest=gate_digest(kind.value, {"body": _parameters(body), "limit": limit}),
            seconds=body.seconds if isinstance(body, Bake) else 0.0,
            limit=limit,
            body=body,
        )

    def _limit(self, stage: GateStage, at: Path, limit: float | None) -> float:
        if limit is not None and stage.timeout is not None:
            self._add(
                "PLAN103", (*at, "timeout"), "a gate has a `timeout` or a `limit`, which are the same", "one of them"
            )
        given = limit if limit is not None else stage.timeout
        default = APPROVAL_LIMIT if isinstance(stage, ApprovalStage) else DEFAULT_LIMIT
        return default if given is None else given

    def _bake(self, stage: BakeStage, path: Path, limit: float) -> Bake:
        role = self._role(stage.bake.deployment, path)
        evidence = EvidenceReader(self.plan, path, self.faults).read(stage.bake, limit)
        if evidence is not None and role is Role.STABLE:
            self._add("PLAN504", (*path, "checks"), "checks are about the candidate", "a bake of the candidate")
        return Bake(seconds=stage.bake.for_, deployment=role, evidence=evidence)

    def _metric(self, stage: MetricStage, path: Path, limit: float) -> Metric:
        evidence = EvidenceReader(self.plan, path, self.faults).shown(stage.metric, stage.metric.checks, limit)
        if self.default is Role.STABLE:
            self._add("PLAN504", path, "a metric gate is about the candidate", "the gate among `stages`")
        return Metric(over=stage.metric.over, evidence=evidence)

    def _smoke_test(self, model: SmokeTestModel, path: Path) -> SmokeTest:
        requests = self._requests(model, path)
        if model.expect.golden is not None and len(requests) > 1:
            self._add(
                "PLAN404",
                (*path, "expect", "golden"),
                "one golden answer for several requests",
                "`expect` beside each request's `file`",
            )
        return SmokeTest(
            requests=tuple(request for request in requests if request is not None),
            deployment=self._role(model.deployment, path),
            expect=self._expectation(model.expect, (*path, "expect")),
            time_limit=model.time_limit,
            repetitions=model.repetitions,
            concurrency=model.concurrency,
        )

    def _compare(self, model: CompareModel, path: Path) -> Compare:
        found: list[RequestFile] = []
        assets: list[str] = []
        for index, request in enumerate(model.requests):
            at: Path = (*path, "requests", index)
            if asset := data_asset(request, self._complaint(at)):
                assets.append(asset)
                continue
            found += self._recorded(request, at)
            if self._too_many(len(found), sum(len(each.body) for each in found), at, "comparison"):
                break
        return whole_comparison(model, tuple(found), tuple(assets), self._complaint(path))

    def _recorded(self, model: RecordedModel, path: Path) -> tuple[RequestFile, ...]:
        """What one entry of a comparison sends: one request, or one for each line."""
        if model.file is None or not model.file.lower().endswith((".jsonl", ".ndjson")):
            request = self._sent(model, path)
            return () if request is None else (request,)
        if "body" in model.model_fields_set:
            self._add("PLAN401", path, "a request has a `file` or a `body`", "one of them")
        body = self._read(model.file, (*path, "file"))
        kind = model.content_type or "application/json"
        return () if body is None else json_lines(model.file, body, kind, self._complaint((*path, "file")))

    def _complaint(self, path: Path) -> Complain:
        return lambda code, at, message, expected: self._add(code, (*path, *at), message, expected)

    def _requests(self, model: SmokeTestModel, path: Path) -> list[RequestFile | None]:
        found: list[RequestFile | None] = []
        size = 0
        for index, request in enumerate(model.requests):
            at: Path = (*path, "requests", index)
            read = self._request(request, at)
            size += len(read.body) if read else 0
            found.append(read)
            if self._too_many(len(found), size, at, "smoke test"):
                break
        return found

    def _too_many(self, count: int, size: int, path: Path, what: str) -> bool:
        if size <= _MAX_TOTAL and count <= _MOST_REQUESTS:
            return False
        limits = f"at most {_MOST_REQUESTS} requests and {_MAX_TOTAL} bytes in one {what}"
        self._add("PLAN401", path, "these are too many requests", limits)
        return True

    def _role(self, name: str | None, path: Path) -> Role:
        if name is None:
            return self.default
        return self.cast.role(self.plan, (*path, "deployment"), name, self.faults) or self.default

    def _request(self, model: RequestModel, path: Path) -> RequestFile | None:
        expect = self._expectation(model.expect, (*path, "expect")) if model.expect else None
        request = self._sent(model, path)
        return None if request is None else msgspec.structs.replace(request, expect=expect)

    def _sent(self, model: RecordedModel, path: Path) -> RequestFile | None:
        if (model.file is None) == ("body" not in model.model_fields_set):
            self._add("PLAN401", path, "a request has a `file` or a `body`", "one of them")
            return None
        if model.file is None:
            kind = model.content_type or "application/json"
            return RequestFile(name="inline", body=json.dumps(model.body).encode(), content_type=kind)
        kind = model.content_type or _content_type(model.file)
        body = self._read(model.file, (*path, "file"))
        if body is not None and kind == "application/json":
            self._json(body, model.file, (*path, "file"), "PLAN401")
        return RequestFile(name=model.file, body=body or b"", content_type=kind)

    def _expectation(self, model: ExpectModel, path: Path) -> Expectation:
        return Expectation(
            status=model.status,
            schema=self._schema(model.schema_, (*path, "schema")),
            assertions=self._assertions(model.assertions, (*path, "assertions")),
            golden=self._golden(model.golden, (*path, "golden")) if model.golden else None,
        )

    def _schema(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            body = self._read(value, path)
            value = None if body is None else self._json(body, value, path, "PLAN402")
        if value is not None and (wrong := _schema_fault(value)):
            self._add("PLAN402", path, f"not a JSON Schema: {wrong}", "a valid JSON Schema")
        return value

    def _assertions(self, expressions: tuple[str, ...], path: Path) -> tuple[str, ...]:
        for index, expression in enumerate(expressions):
            readable(expression, (index,), "length(@) == `2`", self._complaint(path))
        return expressions

    def _golden(self, model: GoldenModel, path: Path) -> Golden:
        answer = model.answer
        given = "answer" in model.model_fields_set
        if given == (model.file is not None):
            self._add("PLAN404", path, "a golden answer is an `answer` or a `file`", "one of them")
        elif model.file is not None:
            body = self._read(model.file, path)
            answer = None if body is None else self._json(body, model.file, path, "PLAN404")
        return Golden(answer=answer, absolute=model.tolerance, relative=model.relative_tolerance)

    def _read(self, name: str, path: Path) -> bytes | None:
        path = present(self.plan.data, path)
        if not usable_file(self.plan, path, name, self.faults):
            return None
        file = self.plan.folder(path) / name
        try:
            if file.stat().st_size > _MAX_REQUEST:
                self._add("PLAN401", path, f"`{name}` is larger than {_MAX_REQUEST} bytes", "a smaller file")
                return None
            return file.read_bytes()
        except (OSError, ValueError):
            self._add("PLAN306", path, f"`{name}` cannot be read", "a file that may be read")
        return None

    def _json(self, body: bytes, name: str, path: Path, code: str) -> Any:
        try:
            value = json.loads(body)
            canonical_json(value)  # refuses NaN and infinity, which are no JSON
            return value
        except (ValueError, RecursionError) as error:
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            self._add(code, path, f"`{name}` is not JSON{where}", "a JSON file")
            return None

    def _add(self, code: str, path: Path, message: str, expected: str) -> None:
        self.faults.append(self.plan.fault(code, present(self.plan.data, path), message, expected=expected))


def _content_type(name: str) -> str:
    if name.lower().endswith(".json"):
        return "application/json"
    import mimetypes  # loaded for other files only: it reads the system's tables

    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _schema_fault(value: Any) -> str:
    """What is wrong with a JSON Schema, "" if nothing. A dialect that nobody knows is read as the newest one."""
    if not isinstance(value, (Mapping, bool)):
        return "it is not a mapping"
    if isinstance(value, Mapping) and not isinstance(value.get("$schema", ""), str):
        return "`$schema` is not text"
    if plainly_valid(value):
        return ""
    # Loaded only for schemas out of the ordinary: it costs more than the rest of `validate`.
    import jsonschema
    from jsonschema.validators import validator_for

    schema: Any = value
    try:
        validator_for(schema, jsonschema.Draft202012Validator).check_schema(schema)
    except jsonschema.SchemaError as error:
        return str(error.message)
    return ""


def _parameters(body: GateBody) -> Mapping[str, Any]:
    """The body as JSON for the digest; what a request's file is called does not matter, what it holds does."""
    found: dict[str, Any] = msgspec.to_builtins(body)
    for request in found.get("requests", ()):
        request.pop("name")
    if not found.get("assets"):
        found.pop("assets", None)  # a comparison of files alone is the gate that it always was
    if found.get("evidence") is None:
        found.pop("evidence", None)  # a bake by time is the gate that it always was
    else:
        found["evidence"] = {key: value for key, value in found["evidence"].items() if key not in OF_THE_PLAN}
        if not found["evidence"]["alerts"]:
            del found["evidence"]["alerts"]  # as is one that names no alert
    return found
