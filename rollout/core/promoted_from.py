"""The policy's `promoted_from`: only what another environment has promoted may be released here.

What that environment shows is looked at elsewhere (`rollout.cli.sourcing`) and comes as values (`policy.Shown`). Once a
candidate was deployed by that evidence, its tag says so: the other environment may move on while the run lasts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

import msgspec

from rollout.core.observed import Deployment, Endpoint, Observation
from rollout.core.policy import Policy, PromotedRule, Rule, Shown
from rollout.core.progress import Progress, Promoted, from_tags
from rollout.core.promotion import content, lacking
from rollout.core.release import Release
from rollout.core.spans import span
from rollout.core.stamp import PROMOTED_FROM_TAG, made_of

_ENDS = ("promoted", "rolled_back")
"""Lines of history from which on something else may have been what is promoted."""


def demanded(policy: Policy | None) -> Iterator[tuple[Rule, PromotedRule]]:
    """Every environment that a rule asks about."""
    for rule in policy.rules if policy is not None else ():
        for wanted in rule.limits.promoted_from:
            yield rule, wanted


def asks(release: Release) -> bool:
    """Whether a rule asks what other environments show."""
    return any(True for _ in demanded(release.policy))


def unproven(release: Release, live: Endpoint | None) -> tuple[str, ...]:
    """The environments that must be looked at before anything of that release is done: all that rules name, but for
    what is promoted here already, or was deployed here by their evidence."""
    progress = from_tags(live.tags) if live is not None else None
    promoted = progress.promoted if isinstance(progress, Progress) else None
    if promoted is not None and promoted.revision == release.goal:
        return ()
    known = _stamped(release, live)
    return tuple(
        dict.fromkeys(wanted.environment for _, wanted in demanded(release.policy) if wanted.environment not in known)
    )


def refusals(release: Release, live: Endpoint | None) -> Iterator[tuple[Rule, str]]:
    """What stands against the release going on, with the rule that says so; nothing where all is shown."""
    wanting = unproven(release, live)
    if not wanting:
        return
    found = {one.environment: one for one in release.policy.shown} if release.policy is not None else {}
    for rule, wanted in demanded(release.policy):
        if wanted.environment in wanting and (why := _against(release, wanted, found.get(wanted.environment))):
            yield rule, why


def stamp(release: Release) -> str:
    """What a deployment's tag says: by which environments its content was shown; "" where nobody asked."""
    if release.policy is None:
        return ""
    asked = [wanted for _, wanted in demanded(release.policy)]
    shown = {one.environment: one for one in release.policy.shown}
    names = dict.fromkeys(
        wanted.environment
        for wanted in asked
        if all(
            not _against(release, each, shown.get(each.environment))
            for each in asked
            if each.environment == wanted.environment
        )
    )
    return ";".join(f"{name}={_digest(release)}" for name in names)


def shown(environment: str, source: Release, seen: Observation, release: Release, gates: tuple[str, ...] = ()) -> Shown:
    """What that look at another environment says of this release. `source` is that environment's plan as it is checked
    out, which may be further on; `gates` the kinds of gate that it must have."""
    name, progress = source.endpoint.name, from_tags(seen.endpoint.tags) if seen.endpoint is not None else None
    if missing := lacking(source, gates):
        return Shown(environment=environment, why=missing)
    if seen.endpoint is None or not isinstance(progress, Progress) or progress.plan != source.name:
        return Shown(environment=environment, why=f"{name} has no record of the plan {source.name}")
    for record in (progress.promoted, progress.former):
        if record is not None and _is(record, seen.endpoint, source, release, progress):
            seconds = _stood(progress, record is progress.former, seen.now)
            return Shown(environment=environment, seconds=seconds)
    there = progress.promoted.revision[:10] if progress.promoted is not None else "nothing"
    return Shown(environment=environment, why=f"{name} has not promoted this; promoted there is {there}")


def _is(record: Promoted, live: Endpoint, source: Release, release: Release, progress: Progress) -> bool:
    """Whether what that record names is there, was not given up, and consists of what this release consists of."""
    found = live.deployment(record.name)
    if found is None or found.revision != record.revision or found.born != (record.born or found.born):
        return False
    if any(entry.goal == record.revision for entry in progress.quarantine):
        return False
    wanted = content(release)
    if record.revision == source.goal and content(source) == wanted:
        return True
    return made_of(found.tags, wanted) and _same_script(found, wanted)


def _same_script(found: Deployment, wanted: object) -> bool:
    script = wanted.get("scoring_script", "") if isinstance(wanted, dict) else ""
    return str(found.fields.get("scoring_script", script) or "") == script


def _stood(progress: Progress, former: bool, now: datetime) -> float:
    """Seconds for which it was promoted at least, as far as the record still knows."""
    turns = [line.at for line in progress.history if line.kind in _ENDS]
    if former and not turns:
        return 0.0
    end = turns.pop() if former else now
    begin = turns[-1] if turns else (end if former else progress.since or now)
    return max(0.0, (end - begin).total_seconds())


def _against(release: Release, wanted: PromotedRule, found: Shown | None) -> str:
    name = wanted.environment
    if found is None:
        return f"nobody has looked whether {name} has promoted it"
    if found.why:
        return f"not shown by {name}: {found.why}"
    least = max(wanted.seconds, found.least)
    if found.seconds < least:
        return f"{name} has had it promoted for {span(found.seconds)}, not for {span(least)}"
    return ""


def _stamped(release: Release, live: Endpoint | None) -> frozenset[str]:
    """The environments whose evidence the deployment that carries this release was made by."""
    mine = _digest(release)
    found = (one for one in live.deployments if one.revision == release.goal) if live is not None else ()
    parts = (part.rpartition("=") for one in found for part in one.tags.get(PROMOTED_FROM_TAG, "").split(";"))
    return frozenset(name for name, _, digest in parts if digest == mine)


def _digest(release: Release) -> str:
    said = msgspec.json.encode(content(release), order="deterministic")
    return hashlib.sha256(said).hexdigest()[:12]
