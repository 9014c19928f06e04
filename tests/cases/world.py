"""From the words of a case to what `decide()` takes: a plan, a look at the endpoint, verdicts. Times are minutes.

A deployment is written `v1 x2 @10 Failed`: its model; and as far as it is not the usual: its instances, when it was
created, its state, `changed` (its content is not what its tags say), `untagged`, `autoscaled`, an instance type. A
split is `blue=90 green=10, mirror green=5`. With `local` the candidate's model is a local file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from rollout.core import untaken
from rollout.core.actions import FieldChange
from rollout.core.journey import Journey, expedited, normal, suffix_digest
from rollout.core.observed import Deployment, Endpoint, Observation, Scaling, Weights, weights
from rollout.core.progress import Approval, Hold, Progress, Promoted, Quarantined, Run, Transition, to_tags
from rollout.core.quarantine import BY_HAND
from rollout.core.release import EndpointSpec, OnFailure, Release
from rollout.core.scene import Scene, scene
from rollout.core.stamp import born_stamp
from rollout.core.verdict import Outcome, Verdict
from tests.cases.policies import policy_of
from tests.worlds import plans
from tests.worlds.plane import NAME, START

Case = Mapping[str, Any]
LINE = "deploy, smoke, traffic 10, bake 30, traffic 100, delete 100"


def at(minutes: float) -> datetime:
    """The time that many minutes after the start of the case."""
    return START + timedelta(minutes=minutes)


class World:
    """One case, read: `release`, `observation`, `verdicts`, `allowed`; and `keys`, the gates' keys by their names."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.now = at(case.get("now", 60))
        self.release = _release(case)
        self.split = split(case.get("split", "blue=100"))
        self.deployments = tuple(
            _deployment(name, *words.split()) for name, words in case.get("live", {"blue": "v1"}).items()
        )
        self.allowed = frozenset(case.get("allowed", ()))
        self.keys: dict[str, str] = {}
        said = {} if case.get("record") == "none" else case.get("record", {})
        tried, known = _changes(case.get("untaken", {})), _changes(said.get("untaken", {}))
        self.codes = {untaken.code(change): change.path for change in (*tried, *known)}
        self.record = self._record()
        self.observation = Observation(self._endpoint(self.record), self.now)
        self.verdicts = {self.keys[name]: _verdict(words) for name, words in case.get("verdicts", {}).items()}
        self.verdicts |= {untaken.key(each): _verdict(f"INCONCLUSIVE {untaken.said(each)}") for each in tried}

    @property
    def scene(self) -> Scene:
        """What the rules look at; only where there is an endpoint and a record that can be read."""
        assert self.observation.endpoint is not None, "the case has an endpoint"
        return self._scene(self.record, self.observation.endpoint, self.verdicts)

    def _scene(self, record: Progress | None, endpoint: Endpoint, verdicts: Mapping[str, Verdict]) -> Scene:
        return scene(self.release, endpoint, record, self.now, verdicts, self.allowed)

    def _endpoint(self, record: Progress | None) -> Endpoint | None:
        told = self.case.get("endpoint", "Succeeded")
        if told == "none":
            return None
        state, _, uri = told.partition(" ")
        return Endpoint(
            name=NAME,
            state=state,
            weights=self.split,
            deployments=self.deployments,
            tags=_tampered(to_tags(record), self.case.get("tamper", "")) if record else {},
            fields={"description": self.case.get("description")},
            scoring_uri="" if uri == "without uri" else "https://house/score",
            modified=at(0),
        )

    def _record(self) -> Progress | None:
        """The record in two steps: gates have keys only once it is known which way the plan goes."""
        told = self.case.get("record", {})
        if told == "none":
            self._learn_keys(None)
            return None
        told = {"promoted": "blue=v1", "written": self.case.get("split", "blue=100"), "since": 0, **told}
        progress = self._progress({name: value for name, value in told.items() if value is not None})
        journey = self._learn_keys(progress)
        return replace(
            progress,
            passed=tuple(self.keys[name] for name in told.get("passed", ())),
            quarantine=tuple(self._quarantined(**entry) for entry in told.get("quarantine", ())),
            approvals=tuple(self._approval(journey, **entry) for entry in told.get("approvals", ())),
        )

    def _progress(self, told: Case) -> Progress:
        return Progress(
            plan=told.get("plan", "plan"),
            promoted=self._promoted(told.get("promoted")),
            former=self._promoted(told.get("former")),
            run=self._run(*told["run"].split()) if "run" in told else None,
            written=split(told["written"]) if "written" in told else None,
            since=at(told["since"]) if "since" in told else None,
            outcome=told.get("outcome", ""),
            hold=_held(**told["hold"]) if "hold" in told else None,
            untaken=tuple(untaken.code(change) for change in _changes(told.get("untaken", {}))),
            history=(Transition(at=at(0), what=told["history"]),) if "history" in told else (),
        )

    def _learn_keys(self, record: Progress | None) -> Journey | None:
        endpoint = self._endpoint(None)
        if endpoint is None:
            return None
        journey = self._scene(record, endpoint, {}).journey
        for way in (expedited(self.release, ""), normal(self.release, ""), journey):
            self.keys |= {step.stage.name: step.key for step in way.steps if step.key}
        return journey

    def _promoted(self, told: str | None) -> Promoted | None:
        if told is None:
            return None
        """`blue=v1`, and as far as it is so: `@0` (as in a run), `is v2` (the content that this name stood for)."""
        (name, revision), words = told.split()[0].split("="), told.split()[1:]
        content = words[words.index("is") + 1] if "is" in words else revision
        return Promoted(name=name, revision=revision, born=self._stamp(name, words), content=f"content-{content}")

    def _run(self, goal: str, _in: str, slot: str, *words: str) -> Run:
        """`v2 in green`, and as far as it is so: `exposed`, `ended`, `of 3` (stable's count at its start), `@0` (its
        candidate is another creation than the one that lives)."""
        return Run(
            goal=goal,
            slot=slot,
            born=self._stamp(slot, words),
            content=f"content-{goal}",
            total=int(words[words.index("of") + 1]) if "of" in words else 1,
            started=at(0),
            exposed=at(0) if "exposed" in words else None,
            ended="ended" in words,
        )

    def _stamp(self, name: str, words: Sequence[str]) -> str:
        """`@30`: created in minute 30; otherwise the stamp of the deployment that lives, or minute 0."""
        for word in words:
            if word.startswith("@"):
                return born_stamp(at(float(word[1:])))
        found = next((d for d in self.deployments if d.name == name), None)
        return found.born or "" if found else born_stamp(START)

    def _quarantined(self, goal: str, gate: str, slot: str = "green", at_minute: float = 0) -> Quarantined:
        key = BY_HAND if gate == BY_HAND else self.keys.get(gate, "a gate that is gone")
        return Quarantined(goal=goal, key=key, slot=slot, at=at(at_minute))

    def _approval(self, journey: Journey | None, gate: str, who: str, *, stale: bool = False) -> Approval:
        assert journey is not None, "an approval stands on a way"
        index = next(i for i, step in enumerate(journey.steps) if step.stage.name == gate)
        digest = "something else" if stale else suffix_digest(journey, index)
        return Approval(key=self.keys[gate], digest=digest, who=who)


def split(told: str) -> Weights:
    """The weights in those words; `none` for no traffic."""
    live, _, copied = told.partition(", mirror ")
    return weights(_shares(live), _shares(copied))


def _shares(told: str) -> dict[str, int]:
    pairs = (word.split("=") for word in told.split() if word != "none")
    return {name: int(weight) for name, weight in pairs}


def _release(case: Case) -> Release:
    line, policy = case.get("plan", LINE), OnFailure(**case.get("on_failure", {}))
    if "literal" in case:
        stable, candidate = (tuple(words.split("=")) for words in case["literal"])
        release = plans.literal((stable[0], stable[1]), (candidate[0], candidate[1]), line)
    else:
        release = plans.roles(case.get("goal", "v2"), line, on_failure=policy)
    settings = {key: case[key] for key in ("drift", "on_revert", "capacity") if key in case}
    declared = EndpointSpec(name=NAME, fields=case.get("declared", {}))
    if case.get("local"):
        files = {"model": f"sha256:{release.goal}"}
        release = replace(release, candidate=replace(release.candidate, fields=files))
    return replace(release, endpoint=declared, policy=policy_of(case.get("policy")), **settings)


def _deployment(name: str, model: str, *words: str) -> Deployment:
    born = next((float(word[1:]) for word in words if word.startswith("@")), 0.0)
    ours = "untagged" not in words
    scaling = next((_scaling(name, word) for word in words if word.startswith(("scaled:", "carried:"))), None)
    return Deployment(
        name=name,
        state=next((word for word in words if word in ("Failed", "Canceled", "Updating", "Creating")), "Succeeded"),
        count=next((int(word[1:]) for word in words if word.startswith("x")), 1),
        revision=model if ours else None,
        born=born_stamp(at(born)) if ours else None,
        content="content-changed" if "changed" in words else f"content-{model}",
        instance_type=next((word for word in words if word.startswith("Standard_")), "Standard_DS3_v2"),
        autoscaled="autoscaled" in words or scaling is not None,
        scaling=scaling,
        fields={"model": f"azureml:m:{model}"},
    )


def _held(until: float | None = None, **told: Any) -> Hold:
    """A hold; its end is a minute."""
    return Hold(**told, until=None if until is None else at(until))


def _scaling(name: str, word: str) -> Scaling:
    """`scaled:cpu` by a person, `carried:cpu` by us."""
    how, _, digest = word.partition(":")
    return Scaling(f"/autoscale/{name}", digest, how == "carried")


def _changes(told: Mapping[str, Sequence[Any]]) -> tuple[FieldChange, ...]:
    """`{description: [asked, has]}`."""
    return tuple(FieldChange(path, has, asked) for path, (asked, has) in told.items())


def _verdict(told: str) -> Verdict:
    """`PASS as good`, `PASS@10 as good` for one that may end a bake after ten minutes, `INCONCLUSIVE! why` for one that
    waiting does not change, `FAIL~ why` for a mild one."""
    outcome, _, reason = told.partition(" ")
    outcome, _, after = outcome.partition("@")
    early = 60.0 * float(after) if after else None
    stuck, mild = outcome.endswith("!"), outcome.endswith("~")
    kind = Outcome(outcome.rstrip("!~"))
    return Verdict(outcome=kind, reason=reason or "measured", after=early, stuck=stuck, mild=mild)


def _tampered(tags: dict[str, str], how: str) -> dict[str, str]:
    match how:
        case "edited":
            return {**tags, "rollout.set": tags["rollout.set"].replace("100", "90")}
        case "newer":
            return {name: "9" + value for name, value in tags.items()}
        case _:
            return tags
