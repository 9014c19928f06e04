"""The verbs of histories.yaml: what each line of a `do:` does to a history."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from msgspec.structs import replace

from rollout.core import actions, commands
from rollout.core.decision import Decision, Status
from rollout.core.release import EndpointSpec, Gate, OnFailure, Release
from rollout.core.verdict import Outcome, Verdict
from tests.worlds import plans
from tests.worlds.history import History, all_pass, finish
from tests.worlds.plane import NAME, no_hook

ENDS = {Status.DONE: "converged", Status.HOLD: "holds", Status.REFUSE: "refused", Status.WAIT: "waits"}


class Script:
    """One named history: its start, its lines, its end."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.line = case.get("stages", plans.USUAL)
        self.on_failure = OnFailure(**case.get("on_failure", {}))
        self.history = History(self.roles("v1"))
        self.last: Decision | None = None
        self.edited_at = 0
        self.begin(*case.get("start", "promoted v1").split())

    def roles(self, revision: str) -> Release:
        """The plan in the roles form for that revision, with the stages as they are now."""
        return plans.roles(revision, self.line, on_failure=self.on_failure)

    def play(self) -> None:
        """Do every line."""
        for line in self.case["do"]:
            verb, *words = line.split(maxsplit=1)
            self.verbs[verb](self, *(words[0].split() if words and verb != "stages" else words))

    def begin(self, how: str, *words: str) -> None:
        """The world before the first line."""
        match how:
            case "promoted":
                usual = plans.roles(words[0])
                self.history.release = usual
                self.history.run()
                self.release("v2")
            case "nothing":
                pass
            case "literal":
                self.literal(*words)
            case "foreign":
                self.history.plane.hand_create_endpoint()
                self.history.plane.hand_create(words[0], words[0], count=2)
                self.history.plane.hand_weights({words[0]: 100})
                self.release("v2")
            case "occupied":
                self.begin("promoted", "v1")
                if words[0] == "v2":
                    self.history.until_deployed()
                else:
                    self.history.plane.hand_create("green", words[0])
            case _:
                raise ValueError(how)

    def release(self, revision: str) -> None:
        """A one-line change of the candidate's file."""
        self.history.release = self.roles(revision)

    def stages(self, line: str) -> None:
        """The plan is edited."""
        self.line = line
        self.edited_at = len(self.history.plane.written)
        self.release(self.history.release.goal)

    def literal(self, stable: str, candidate: str) -> None:
        """The plan in the literal form."""
        (stable_name, stable_revision), (name, revision) = stable.split("="), candidate.split("=")
        self.history.release = plans.literal((stable_name, stable_revision), (name, revision), self.line)

    def run(self) -> None:
        """Scheduled passes until nothing moves."""
        self.last = self.history.run()

    def until(self, where: str) -> None:
        """Passes until just after that write."""
        match where:
            case "mirrored":
                self.history.until_mirrored()
            case "deployed":
                self.history.until_deployed()
            case "promoted":
                self.history.passes(lambda live, decision: decision.phase == "complete")
            case _:
                self.history.until(int(where))

    def wait(self, minutes: str) -> None:
        """Nobody looks for that long."""
        self.history.plane.now += timedelta(minutes=int(minutes))

    def hand(self, verb: str, *words: str) -> None:
        """Somebody outside the tool."""
        plane = self.history.plane
        plane.now = plane.rules.settle(plane.now)
        match verb, words:
            case "traffic", split:
                plane.hand_weights({name: int(weight) for name, weight in (word.split("=") for word in split)})
            case "delete", ("endpoint",):
                plane.hand_delete_endpoint()
            case "delete", (name,):
                plane.hand_delete(name)
            case "create", (name, model):
                plane.hand_create(name, model)
            case "update", (name, model):
                plane.hand_update(name, model)
            case "autoscale", (name, *said):
                plane.hand_autoscale(name, *said)
            case "scale", (name, count):
                plane.hand_scale(name, int(count))
            case _:
                raise ValueError(verb)

    def fail(self, word: str) -> None:
        """The gates whose digest contains that word fail from now on."""

        def judge(gate: Gate, goal: str) -> Verdict:
            bad = word in gate.digest
            return Verdict(outcome=Outcome.FAIL if bad else Outcome.PASS, reason="worse" if bad else "as good")

        self.history.judge = judge

    def worse(self, word: str) -> None:
        """The gates whose digest contains that word find a candidate that is worse, but answers most requests."""

        def judge(gate: Gate, goal: str) -> Verdict:
            if word in gate.digest:
                return Verdict(outcome=Outcome.FAIL, reason="a little worse", mild=True)
            return all_pass(gate, goal)

        self.history.judge = judge

    def errors(self, revision: str, share: str) -> None:
        """So many of its requests are bad from now on."""
        self.history.counts.bad[revision] = float(share)

    def source(self, state: str) -> None:
        """The counts cannot be read (`fails`), or can (`answers`)."""
        self.history.counts.failure = "the source is down" if state == "fails" else ""

    def mend(self, revision: str) -> None:
        """That revision can be created again."""
        self.history.plane.broken_revisions.discard(revision)

    def broken(self, revision: str) -> None:
        """That revision cannot be created."""
        self.history.plane.broken_revisions.add(revision)

    def everything_passes(self) -> None:
        """No gate fails any more."""
        self.history.judge = all_pass

    def lose(self, what: str) -> None:
        """An old client drops the endpoint's tags."""
        self.history.plane.lose_tags()

    def break_(self, name: str) -> None:
        """The platform leaves a deployment `Failed`."""
        self.history.plane.now = self.history.plane.rules.settle(self.history.plane.now)
        self.history.plane.break_deployment(name)

    def forbid(self, hazard: str) -> None:
        """From now on as `reconcile` does it, not `apply`."""
        self.history.allowed = self.history.allowed - {hazard}

    def rename(self, name: str) -> None:
        """The plan gets another name."""
        self.history.release = replace(self.history.release, name=name)

    def describe(self, revision: str, text: str) -> None:
        """Only the description in the candidate's file changes."""
        candidate = plans.spec(revision, description=text)
        self.history.release = replace(self.history.release, candidate=candidate)

    def ignore(self, *members: str) -> None:
        """The service takes writes of those members, and does not do them."""
        world = self.history.plane.rules.world
        world.settings = dataclasses.replace(world.settings, ignores=members)

    def declare(self, *words: str) -> None:
        """The endpoint's file gives that description."""
        release = self.history.release
        declared = EndpointSpec(name=release.endpoint.name, fields={"description": " ".join(words)})
        self.history.release = replace(release, endpoint=declared)

    def approve(self) -> None:
        """A person approves what is waited for."""
        assert self.last is not None, "something waits"
        self.history.approve(self.last)

    def person(self, command: Callable[..., tuple[actions.Action, ...]]) -> None:
        """A person's command."""
        plane = self.history.plane
        plane.hook, hook = no_hook, plane.hook
        seen = finish(plane.observe(NAME))
        for action in command(self.history.release, seen, who="me", why="a reason"):
            finish(plane.apply(action, seen.endpoint))
            seen = finish(plane.observe(NAME))
        plane.hook = hook

    verbs: ClassVar[dict[str, Callable[..., None]]] = {
        "release": release,
        "stages": stages,
        "literal": literal,
        "run": run,
        "until": until,
        "wait": wait,
        "hand": hand,
        "fail": fail,
        "worse": worse,
        "errors": errors,
        "source": source,
        "mend": mend,
        "broken": broken,
        "pass": everything_passes,
        "lose": lose,
        "break": break_,
        "forbid": forbid,
        "rename": rename,
        "describe": describe,
        "ignore": ignore,
        "declare": declare,
        "approve": approve,
        "resume": lambda self: self.person(commands.resume),
        "hold": lambda self: self.person(commands.hold),
        "retry": lambda self: self.person(commands.retry),
        "rollback": lambda self: self.person(commands.rollback),
    }
