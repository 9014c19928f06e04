"""The checks of a bake or a metric gate → what is measured; and what the whole plan has to say about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from rollout.core.gate_bodies import (
    Alert,
    Asked,
    Custom,
    ErrorRate,
    Evidence,
    Latency,
    Question,
    Source,
    evidence_of,
)
from rollout.core.release import AnyStage, Gate, GateKind, Mirror, Traffic
from rollout.errors import Fault
from rollout.plan.durations import show_duration
from rollout.plan.evidence_models import AlertModel, CheckModel, SourceModel
from rollout.plan.gates import BakeModel, Evidenced
from rollout.plan.layers import PlanFile
from rollout.plan.positions import Path, present

LAGS: Final = {"azure_monitor": 180.0, "log_analytics": 600.0, "prometheus": 60.0, "http": 60.0}
"""After how many seconds the counts of a source are final. For Azure's the documentation says "within three minutes" of
metrics and 30 s to 3 min of most resource logs, "up to ten" of the rest; on the safe side."""
TOLERATED: Final = {"error_rate": 0.005, "latency": 0.01, "metric": 0.01}
ALERT_LAG: Final = 180.0
"""The least time until an alert is there for certain: its rule looks once a minute or less often, then it is sent."""
_ROUND: Final = 120.0
"""Two blocks: the one that is going on when a bake ends, and one for a look in between."""
_BESIDE: Final = ("promote_when", "at_least", "alpha", "least_requests", "source")
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RULE_ID: Final = re.compile(
    r"/subscriptions/[^/]{1,64}/resourcegroups/[^/]{1,90}/providers/microsoft\.insights/"
    r"(metricalerts|scheduledqueryrules|activitylogalerts)/[^/?#]{1,260}",
    re.IGNORECASE,
)
_RULE_NAME: Final = re.compile(r"[^/\\*#&+:<>?@%{}]{1,260}")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_SENDS: Final = frozenset({GateKind.SMOKE_TEST, GateKind.COMPARE})
"""Gates that send requests of our own to the candidate."""

Placed = Sequence[tuple[Path, AnyStage]]


class EvidenceReader(msgspec.Struct, frozen=True):
    """Reads the checks of one gate at `path`; what is wrong with them goes to `faults`."""

    plan: PlanFile
    path: Path
    faults: list[Fault]

    def read(self, model: BakeModel, limit: float) -> Evidence | None:
        """What the bake must show; None: only its time and its health. `limit` is the gate's, in seconds."""
        if model.checks is None:
            self._beside(model, "and this bake has none")
            return None
        if model.at_least is not None and model.at_least > model.for_:
            self._add("PLAN103", ("at_least",), "the least time is longer than the bake", "at most `for`")
        return self.shown(model, model.checks, limit, model.at_least)

    def shown(
        self, model: Evidenced, checks: Sequence[CheckModel], limit: float, at_least: float | None = None
    ) -> Evidence:
        """What a gate with those checks must show."""
        source = self._source(model.source or SourceModel(azure_monitor=True))
        promote_when = model.promote_when or "proven"
        counted = [(index, check) for index, check in enumerate(checks) if check.alert is None]
        if not counted:
            self._beside(model, "and alerts are not counted")
        latest = max(source.lag if counted else 0.0, 0.0 if len(counted) == len(checks) else ALERT_LAG)
        if limit < latest + _ROUND:
            what = "counts" if counted and latest == source.lag else "alerts"
            message = f"the {what} are final after {show_duration(latest)}, and the limit is {show_duration(limit)}"
            self._add("PLAN504", ("limit",), message, f"a limit of at least {show_duration(latest + _ROUND)}")
        return Evidence(
            checks=tuple(self._check(check, index, source, promote_when) for index, check in counted),
            source=source,
            promote_when=promote_when,
            alpha=model.alpha or 0.05,
            at_least=at_least,
            least_requests=model.least_requests or 50,
            alerts=tuple(self._alert(check.alert, index) for index, check in enumerate(checks) if check.alert),
        )

    def _beside(self, model: Evidenced, why: str) -> None:
        """What is given beside checks, where there are none that it could be about."""
        for key in _BESIDE:
            if getattr(model, key, None) is not None:
                self._add("PLAN103", (key,), f"`{key}` is about checks, {why}", "`checks`, or not it")

    def _alert(self, model: AlertModel, index: int) -> Alert:
        if not (_RULE_ID if model.rule.startswith("/") else _RULE_NAME).fullmatch(model.rule):
            message = f"`{model.rule[:80]}` is not an alert rule"
            self._add("PLAN507", ("checks", index, "alert"), message, "a metric alert's name, or a rule's ARM id")
        return Alert(rule=model.rule, on_fired=model.on_fired)

    def _check(self, model: CheckModel, index: int, source: Source, promote_when: str) -> Asked:
        kind, given = next((key, value) for key, value in model if value is not None)
        at: Path = ("checks", index, kind)
        tolerate, at_most = given.tolerate, given.at_most
        if tolerate is not None and at_most is not None:
            self._add("PLAN103", (*at, "tolerate"), "a check is against stable or against `at_most`", "one of them")
        if at_most == 0:
            self._add("PLAN506", (*at, "at_most"), "no traffic can prove a share of 0%", "a share above 0%")
        if tolerate == 0 and promote_when == "proven":
            message = "nobody can prove that a candidate is not worse at all"
            self._add("PLAN504", (*at, "tolerate"), message, "a share above 0%, or `promote_when: unproven`")
        question = self._question(kind, given, at, source)
        return Asked(
            name=_name(kind, question, given),
            question=question,
            tolerate=TOLERATED[kind] if tolerate is None else tolerate,
            at_most=at_most,
        )

    def _question(self, kind: str, given: Any, at: Path, source: Source) -> Question:
        if kind == "error_rate":
            if source.kind == "prometheus":
                message = "prometheus has no metric of its own for errors"
                self._add("PLAN502", at, message, "`metric` with the queries `bad` and `total`")
            return ErrorRate(statuses=given.statuses)
        if kind == "latency":
            if source.kind == "azure_monitor":
                message = "azure_monitor knows quantiles of minutes only, which cannot be added up"
                self._add("PLAN503", at, message, "a source with single requests: log_analytics, http")
            if source.kind == "prometheus":
                self._add(
                    "PLAN502", at, "prometheus has no metric of its own for slow requests", "`metric` with queries"
                )
            return Latency(over=given.over)
        if source.kind in ("azure_monitor", "log_analytics"):
            self._add("PLAN502", at, f"{source.kind} does not have the metric `{given.name}`", "prometheus or http")
        return Custom(bad=given.bad, total=given.total)

    def _source(self, model: SourceModel) -> Source:
        kind = next(key for key in LAGS if getattr(model, key))
        lag = LAGS[kind] if model.lag is None else model.lag
        address = "" if kind == "azure_monitor" else str(getattr(model, kind))
        if kind == "log_analytics" and not _GUID.fullmatch(address):
            self._add("PLAN505", ("source", kind), f"`{address}` is not a workspace's id", "the id, a GUID")
        if kind in ("prometheus", "http") and (wrong := _address_fault(address)):
            self._add("PLAN505", ("source", kind), f"this address {wrong}", "https://HOST/PATH")
        return Source(kind=kind, address=address, lag=lag)  # type: ignore[arg-type]

    def _add(self, code: str, at: Path, message: str, expected: str) -> None:
        path = present(self.plan.data, (*self.path, *at))
        self.faults.append(self.plan.fault(code, path, message, expected=expected))


def _address_fault(address: str) -> str:
    """What is wrong with a source's address, "" if nothing."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "cannot be read"
    if parts.username or parts.password:
        return "has a password in it"
    if not parts.hostname or len(address) > 2000:
        return "names no host"
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return ""
    return "is not https"


def _name(kind: str, question: Question, given: Any) -> str:
    if isinstance(question, Latency):
        return f"latency over {show_duration(question.over)}"
    return str(given.name) if isinstance(question, Custom) else kind


def check_evidence(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    """Gates whose checks could never be answered where they stand."""
    weight = mirror = 0
    for path, stage in stages:
        if isinstance(stage, Traffic):
            weight, mirror = stage.weight, 0
        if isinstance(stage, Mirror):
            mirror = stage.weight
        evidence = _evidence(stage)
        if evidence is None:
            continue
        kind = stage.kind.value if isinstance(stage, Gate) else ""
        at = present(plan.data, (*path, kind, "checks"))
        if not weight and not mirror:
            message = "the candidate gets no requests here, so there is nothing to check"
            yield plan.fault("PLAN504", at, message, expected=f"the {kind} behind a mirror or traffic stage")
        elif weight == 100 and any(check.at_most is None for check in evidence.checks):
            message = "stable gets no requests here, so there is nothing to compare with"
            yield plan.fault("PLAN504", at, message, expected="`at_most` in every check behind `traffic: 100`")


def shared_out(stages: Sequence[AnyStage]) -> tuple[AnyStage, ...]:
    """The stages, with α shared out: one α for the rollout, over all its checks.

    Evidence is gathered from the first exposure on, in one e-process for each distinct check. Behind a gate that sends
    requests of our own to an exposed candidate, the minutes before are not used: evidence begins anew with each bake.
    """
    fresh = _fresh(stages)
    given = [evidence for stage in stages if (evidence := _evidence(stage)) is not None]
    distinct = {msgspec.json.encode((c.question, c.tolerate, c.at_most, e.source)) for e in given for c in e.checks}
    parts = max(1, len(distinct)) * (1 + len(fresh))
    return tuple(
        _with(stage, evidence.alpha / parts, index in fresh) if (evidence := _evidence(stage)) is not None else stage
        for index, stage in enumerate(stages)
    )


def _fresh(stages: Sequence[AnyStage]) -> set[int]:
    exposed = sent = False
    found = set()
    for index, stage in enumerate(stages):
        exposed = exposed or (isinstance(stage, Traffic | Mirror) and stage.weight > 0)
        sent = sent or (exposed and isinstance(stage, Gate) and stage.kind in _SENDS)
        if sent and _evidence(stage) is not None:
            found.add(index)
    return found


def _evidence(stage: AnyStage) -> Evidence | None:
    return evidence_of(stage.body) if isinstance(stage, Gate) else None


def _with(stage: AnyStage, share: float, fresh: bool) -> AnyStage:
    assert isinstance(stage, Gate)
    evidence = msgspec.structs.replace(stage.body.evidence, share=share, fresh=fresh)
    return msgspec.structs.replace(stage, body=msgspec.structs.replace(stage.body, evidence=evidence))
