"""What `rollout doctor` tries, each check by itself: reads only, never a write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from rollout.core import capacity
from rollout.core.change_set import change_set
from rollout.core.endpoint_roles import RoleNeed, has_role, role_needs
from rollout.core.observed import Endpoint, Observation
from rollout.core.our_tags import foreign
from rollout.core.permissions import Permission, missing, needed
from rollout.core.release import Release
from rollout.errors import RolloutError, SignInError

if TYPE_CHECKING:  # `--help` pays for what is imported here
    from rollout.azure.target import Connection

_OUR_TAGS = 12
_MOST_TAGS = 50
State = Literal["ok", "missing", "skipped"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried, how it went, and the remedy where it did not."""

    name: str
    state: State
    found: str
    remedy: str = ""


class Checkup:
    """The checks of one workspace, and of one plan's endpoint if there is a plan."""

    def __init__(self, connection: Connection, release: Release | None) -> None:
        self._plane = connection.control_plane
        self._scoring = connection.scoring
        self._signed_in_by = connection.signed_in_by
        self._release = release
        self._seen: Observation | None = None

    @property
    def wanted(self) -> tuple[Permission, ...]:
        """The permissions that are needed."""
        return needed(self._release, self._live)

    async def run(self) -> list[Check]:
        """All checks, in the order in which one depends on the other; the rest is skipped without a way in."""
        first = await self._way_in()
        if any(check.state == "missing" for check in first):
            names = ("endpoint", "permissions", "identity", "locks", "tags", "capacity", "scoring")
            return [*first, *(Check(name=name, state="skipped", found="not tried") for name in names)]
        return [
            *first,
            await self._tried("endpoint", self._endpoint),
            *await self._permissions(),
            await self._identity(),
            await self._tried("locks", self._locks),
            self._tags(),
            await self._tried("capacity", self._capacity),
            await self._tried("scoring", self._host),
        ]

    async def _way_in(self) -> list[Check]:
        """Sign-in and control plane: one read tells both, by how it fails."""
        signed = Check(name="sign-in", state="ok", found=self._signed_in_by)
        try:
            location = (await self._plane.workspace()).get("location")
        except SignInError as error:
            return [_failed("sign-in", f"{self._signed_in_by}; {error}", error)]
        except RolloutError as error:
            return [signed, _failed("control plane", str(error), error)]
        return [signed, Check(name="control plane", state="ok", found=f"the workspace is in {location}")]

    async def _tried(self, name: str, act: Callable[[], Awaitable[Check]]) -> Check:
        try:
            return await act()
        except RolloutError as error:
            return _failed(name, str(error), error)

    async def _endpoint(self) -> Check:
        if self._release is None:
            return Check(name="endpoint", state="skipped", found="no plan was given")
        name = self._release.endpoint.name
        self._seen = await self._plane.observe(name)
        live = self._seen.endpoint
        found = f"{name} is {live.state}" if live else f"{name} does not exist yet; `rollout apply` creates it"
        return Check(name="endpoint", state="ok", found=found)

    async def _permissions(self) -> list[Check]:
        try:
            granted = await self._plane.permissions()
        except RolloutError as error:
            return [_failed("permissions", str(error), error)]
        lacking = set(missing(self.wanted, granted))
        return [_permission(each, lacking=each in lacking) for each in self.wanted]

    async def _identity(self) -> Check:
        """Whether the endpoint's own identity may pull its image and read its model."""
        live = self._live
        if live is None:
            return Check(name="identity", state="skipped", found="no endpoint yet")
        try:
            body = (await self._plane.bodies(live.name)).endpoint or {}
            needs = list(role_needs(body, await self._plane.workspace()))
            lacking = [
                need
                for need in needs
                if not has_role(need, await self._plane.role_assignments(need.scope, need.principal))
            ]
        except RolloutError as error:  # looking at roles needs a permission that rollout does not need
            return Check(name="identity", state="skipped", found=f"cannot be told: {error}")
        if not lacking:
            return Check(name="identity", state="ok", found=f"the endpoint's identity has {_roles(needs)}")
        found = "; ".join(f"{need.principal} lacks {need.role} on {need.scope}" for need in lacking)
        first = lacking[0]
        remedy = f'az role assignment create --assignee {first.principal} --role "{first.role}" --scope {first.scope}'
        return Check(name="identity", state="missing", found=f"deployments will fail: {found}", remedy=remedy)

    async def _locks(self) -> Check:
        found = [lock.get("properties") or {} for lock in await self._plane.locks()]
        if not found:
            return Check(name="locks", state="ok", found="no resource lock")
        levels = ", ".join(sorted({str(lock.get("level")) for lock in found}))
        writes = "writes and deletes" if "ReadOnly" in levels else "deletes"
        return Check(
            name="locks",
            state="missing",
            found=f"resource locks ({levels}): {writes} will be refused",
            remedy="have the lock removed, or leave `delete` stages out if only deletes are locked",
        )

    def _tags(self) -> Check:
        live = self._live
        if live is None:
            return Check(name="tags", state="skipped", found="no endpoint yet")
        others = len(foreign(live.tags))
        if others + _OUR_TAGS > _MOST_TAGS:
            return Check(
                name="tags",
                state="missing",
                found=f"{others} tags of others, and the record takes up to {_OUR_TAGS} of {_MOST_TAGS}",
                remedy=f"remove {others + _OUR_TAGS - _MOST_TAGS} tags from the endpoint",
            )
        return Check(name="tags", state="ok", found=f"{others} tags of others leave room for the record")

    async def _capacity(self) -> Check:
        seen = self._seen
        usages = await self._plane.usages(seen.endpoint.location if seen and seen.endpoint else "")
        if self._release is None or seen is None:
            return Check(name="capacity", state="ok", found=f"{len(usages)} quotas can be read")
        actions = change_set(self._release, seen, frozenset({"creates-endpoint"})).actions
        wanted = capacity.need(actions, seen.endpoint)
        if short := capacity.shortage(wanted, usages):
            remedy = "ask for quota, use fewer or smaller instances, or delete what is not needed"
            return Check(name="capacity", state="missing", found="; ".join(short), remedy=remedy)
        found = capacity.line(wanted, usages).removeprefix("capacity: ") if wanted else "nothing is still to be created"
        return Check(name="capacity", state="ok", found=found)

    async def _host(self) -> Check:
        """The data plane may be elsewhere (private endpoints): asked by itself."""
        live = self._live
        if live is None or not live.weights.serving:
            return Check(name="scoring", state="skipped", found="nothing serves yet")
        name = live.weights.serving[0]
        answer = await self._scoring.probe(live, name)
        if answer.status == 0:
            return Check(
                name="scoring",
                state="missing",
                found=f"{live.scoring_uri} cannot be reached: {answer.error}",
                remedy="run it where the scoring host can be reached (a private endpoint has its own network and DNS)",
            )
        return Check(name="scoring", state="ok", found=f"{name} answers with {answer.status} at {live.scoring_uri}")

    @property
    def _live(self) -> Endpoint | None:
        return self._seen.endpoint if self._seen else None


def worst(checks: Sequence[Check]) -> State:
    """`missing` if anything is."""
    return "missing" if any(check.state == "missing" for check in checks) else "ok"


def _permission(each: Permission, *, lacking: bool) -> Check:
    remedy = "have a role assigned that grants it; the least one is printed below" if lacking else ""
    return Check(name=each.action, state="missing" if lacking else "ok", found=each.why, remedy=remedy)


def _roles(needs: Sequence[RoleNeed]) -> str:
    return " and ".join(dict.fromkeys(need.role for need in needs)) or "nothing to pull or read"


def _failed(name: str, found: str, error: RolloutError) -> Check:
    return Check(name=name, state="missing", found=found, remedy=error.hint)
