"""Random histories: edits of the plan anywhere, releases, reverts, failures, hands from outside, lost tags, kills."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from rollout.core import actions, commands
from rollout.core.decision import Decision, Phase, Status
from rollout.core.observed import all_to
from rollout.core.progress import Progress, from_tags
from rollout.core.release import Gate, OnFailure
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import Refused
from tests.worlds import plans
from tests.worlds.history import History, all_pass, finish
from tests.worlds.plane import NAME, Killed

MOST_KILLS = 12
REVISIONS = ("v1", "v2", "v3", "v4")


class Generated:
    """One random history, all of it derived from `dice`. `kills`: the process also dies at random boundaries."""

    def __init__(self, dice: random.Random, *, kills: bool = False) -> None:
        self.dice = dice
        self.told: list[str] = []
        self.kills_left = MOST_KILLS if kills else 0
        self.line = some_stages(self.dice)
        self.history = History(plans.roles("v1", self.line, on_failure=some_policy(self.dice)))
        if kills:
            self.history.plane.hook = self._maybe_kill

    def play(self) -> Decision:
        """Some events with some passes between them; then passes until it is quiet."""
        for _ in range(self.dice.randint(2, 9)):
            event = self.dice.choices(list(EVENTS), weights=list(EVENTS.values()))[0]
            self.told.append(event.__name__)
            self.history.plane.now = self.history.plane.rules.settle(self.history.plane.now)
            event(self)
            for _ in range(self.dice.choice((0, 1, 2, 3, 5, 8, 20))):
                self._pass()
        self.history.judge = all_pass
        return self._to_the_end()

    def _to_the_end(self) -> Decision:
        while True:
            with contextlib.suppress(Killed):
                return self.history.run()

    def _pass(self) -> None:
        with contextlib.suppress(Killed):
            decision = self.history.once()
            if decision.status is Status.WAIT and decision.next_after and self.dice.random() < 0.7:
                self.history.plane.now = max(self.history.plane.now, decision.next_after)

    def _maybe_kill(self, when: str, action: actions.Action) -> None:
        if self.kills_left and self.dice.random() < 0.08:
            self.kills_left -= 1
            self.told.append(f"killed {when} {type(action).__name__}")
            raise Killed

    def check_the_end(self, last: Decision) -> None:
        """What must hold wherever a history ends."""
        live = self.history.live
        assert not self.history.watch.errors or self.refusals_expected, self.history.watch.errors
        assert last.status is not Status.ACT
        blind = {"hand_update", "lose_tags"} <= set(self.told)  # changed, and the record of what it was is gone
        if last.status is Status.DONE and not blind:
            assert self.history.serves() == self.history.release.goal
        if last.phase is Phase.ROLLED_BACK and live is not None and last.roles.stable:
            stable = live.deployment(last.roles.stable)
            given = {"hand_traffic", "resume"} <= set(self.told)  # a person's hand, and a person's word that it stays
            assert stable is None or not stable.ready or live.weights == all_to(last.roles.stable) or given

    @property
    def refusals_expected(self) -> bool:
        """Creates that fail are refusals of the service; nothing else may be."""
        text = "User container has crashed"
        return all(text in error for error in self.history.watch.errors)


def some_stages(dice: random.Random) -> str:
    """A plan with weights that never fall, ending with 100."""
    words = ["deploy"]
    for weight in (*sorted(dice.sample((5, 10, 25, 50, 75), dice.randint(0, 3))), 100):
        exposed = any(word.startswith("traffic") for word in words)
        words += _between(dice, mirrors=len(words) < 4, exposed=exposed)
        words.append(f"traffic {weight}")
    words += [f"bake {dice.choice((5, 60))}"] * dice.randint(0, 1)
    words += [f"delete {dice.choice((0, 100))}"] * dice.randint(0, 1)
    return ", ".join(words)


def _between(dice: random.Random, *, mirrors: bool, exposed: bool) -> list[str]:
    words, bakes = [], ("bake", "check", "check!early") if exposed else ("bake",)
    if dice.random() < 0.5:
        words.append(dice.choice(("smoke", "smoke!b")))
    if mirrors and dice.random() < 0.4:
        words.append(f"mirror {dice.choice((10, 20))}")
    if dice.random() < 0.2:
        words.append(f"scale {dice.choice((2, 3))}")
    if dice.random() < 0.6:
        words.append(f"{dice.choice(bakes)} {dice.choice((10, 30))}")
    return words


def some_policy(dice: random.Random) -> OnFailure:
    """What becomes of a failed candidate."""
    kind = dice.choice(("keep", "scale_to_one", "delete"))
    return OnFailure(candidate=kind, after=dice.choice((0.0, 3600.0)))  # type: ignore[arg-type]


def release(world: Generated) -> None:
    """A new goal, or an old one."""
    world.history.release = replace(world.history.release, candidate=plans.spec(world.dice.choice(REVISIONS)))


def edit_stages(world: Generated) -> None:
    """Other stages."""
    world.history.release = replace(world.history.release, stages=plans.stages(some_stages(world.dice)))


def flaky(world: Generated) -> None:
    """Gates fail now and then from now on."""
    dice, bad = world.dice, (Outcome.FAIL, Outcome.NO_DATA, Outcome.ERROR, Outcome.INCONCLUSIVE)

    def judge(gate: Gate, goal: str) -> Verdict:
        outcome = dice.choice(bad) if dice.random() < 0.3 else Outcome.PASS
        return Verdict(outcome=outcome, reason="flaky", mild=outcome is Outcome.FAIL and dice.random() < 0.5)

    world.history.judge = judge


def quality(world: Generated) -> None:
    """A revision answers with more errors from now on, or with none; or the source of the counts fails, or not."""
    counts = world.history.counts
    counts.bad = {**counts.bad, world.dice.choice(REVISIONS): world.dice.choice((0.0, 0.05, 0.8))}
    counts.failure = world.dice.choice(("", "", "the source is down"))


def healthy(world: Generated) -> None:
    """Gates pass from now on."""
    world.history.judge = all_pass


def unbuildable(world: Generated) -> None:
    """A revision that cannot be created; another one that can again."""
    world.history.plane.broken_revisions = {world.dice.choice(REVISIONS[1:])}


def hand_traffic(world: Generated) -> None:
    """Somebody moves the weights."""
    live = world.history.live
    names = [d.name for d in live.deployments if d.ready] if live else []
    if not names:
        return
    first = world.dice.choice(names)
    rest = world.dice.choice([name for name in names if name != first] or [first])
    weight = world.dice.choice((100, 100, 60, 10))
    split = {first: 100} if rest == first else {first: weight, rest: 100 - weight}
    world.history.plane.hand_weights({name: part for name, part in split.items() if part})


def hand_delete(world: Generated) -> None:
    """Somebody deletes a deployment without live traffic."""
    live = world.history.live
    names = [d.name for d in live.deployments if not live.weights.live(d.name)] if live else []
    if names:
        world.history.plane.hand_delete(world.dice.choice(names))


def hand_update(world: Generated) -> None:
    """Somebody updates a deployment in place, whose content is on record (docs/decisions.md: before the first record
    there is nothing to compare with)."""
    live = world.history.live
    progress = from_tags(live.tags) if live else None
    if live is None or not isinstance(progress, Progress):
        return
    run = progress.run
    known = {(role.name, role.born) for role in (progress.promoted, progress.former) if role}
    known |= {(run.slot, run.born)} if run else set()
    names = [d.name for d in live.deployments if d.ready and (d.name, d.born or "") in known]
    if names:
        world.history.plane.hand_update(world.dice.choice(names), "vX")


def lose_tags(world: Generated) -> None:
    """An old client drops the endpoint's tags."""
    if world.history.live is not None:
        world.history.plane.lose_tags()


def break_deployment(world: Generated) -> None:
    """The platform leaves something `Failed`."""
    live = world.history.live
    if live and live.deployments:
        world.history.plane.break_deployment(world.dice.choice(live.deployments).name)


def autoscale(world: Generated) -> None:
    """An autoscaler follows the load."""
    live = world.history.live
    names = [d.name for d in live.deployments if live.weights.live(d.name) and d.ready] if live else []
    if names:
        world.history.plane.hand_scale(world.dice.choice(names), world.dice.randint(1, 6))


def autoscale_setting(world: Generated) -> None:
    """Somebody makes an autoscale setting for what serves, or changes or deletes it."""
    live = world.history.live
    names = [d.name for d in live.deployments if live.weights.live(d.name)] if live else []
    if names and (name := world.dice.choice(names)):
        digest = world.dice.choice(("cpu", "memory", ""))
        world.history.plane.hand_autoscale(name, digest)
        if not digest:
            del world.history.plane.scalings[name]


def time_passes(world: Generated) -> None:
    """Nobody looks for a while."""
    world.history.plane.now += timedelta(minutes=world.dice.choice((1, 20, 300)))


def a_person(world: Generated) -> None:
    """A person gives a command; it may be refused."""
    command: Callable[..., tuple[actions.Action, ...]] = world.dice.choice(
        (commands.hold, commands.resume, commands.resume, commands.retry, commands.rollback, commands.promote)
    )
    world.told.append(command.__name__)
    seen = finish(world.history.plane.observe(NAME))
    hook, world.history.plane.hook = world.history.plane.hook, lambda when, action: None
    with contextlib.suppress(Refused):
        for action in command(world.history.release, seen, who="me", why="a reason"):
            finish(world.history.plane.apply(action, seen.endpoint))
            seen = finish(world.history.plane.observe(NAME))
            if command is commands.promote:
                world.history.watch.forgiven = True
    world.history.plane.hook = hook


EVENTS: dict[Callable[[Generated], None], int] = {
    release: 10,
    edit_stages: 5,
    flaky: 3,
    healthy: 2,
    quality: 2,
    unbuildable: 1,
    hand_traffic: 2,
    hand_delete: 2,
    hand_update: 1,
    lose_tags: 1,
    break_deployment: 1,
    autoscale: 1,
    autoscale_setting: 1,
    time_passes: 2,
    a_person: 3,
}
