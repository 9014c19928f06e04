"""The document: what a command has to tell, as a value that can be saved. Every form is made from it.

Five kinds, told apart by `kind`: a `Document` is about one plan (`diff`, `status`, `apply`), a `Fleet` about many in
waves, a `Reconciliation` about many passes, a `Validation` about files, a `Failure` about a command without a result.
`format_version` is `MAJOR.MINOR`: a minor version only adds keys, so unknown ones are passed over; another major
version is refused.

Texts are as they came, only valid Unicode; making them harmless is the business of each form (`render.harmless`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from rollout.core.approval import Approved
from rollout.core.decision import Phase, StageState, Status
from rollout.core.fleet import FleetStatus, Standing, WaveState
from rollout.core.fleet_approval import ApprovedFleet
from rollout.errors import Fault
from rollout.render.former import FormerMember

FORMAT_VERSION: Final = "1.5"

Version = Annotated[str, Meta(pattern=r"^1\.[0-9]+$", description="MAJOR.MINOR; a minor version only adds keys.")]
Instant = Annotated[datetime, Meta(tz=True)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", description="What is approved: `apply --expect`.")]
Count = Annotated[int, Meta(ge=0)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Shares = Mapping[str, Percent]
Sign = Annotated[
    Literal["+", "~", "-"],
    Meta(description="Whether something is made, changed or deleted. Also where nothing is red."),
]


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A piece of a document."""


class Change(Part, frozen=True, kw_only=True):
    """One field of `target`: the live value and the declared one, null where there is none. Secrets are not shown.

    Of drift: `since` when, and `by` whom, where somebody knows.
    """

    path: str
    before: Any = None
    after: Any = None
    target: Annotated[str, Meta(description="`endpoint`, or a deployment.")] = ""
    since: Instant | None = None
    by: str = ""


class Same(Part, frozen=True, kw_only=True):
    """One managed field that stays as it is."""

    target: str
    path: str
    value: Any = None


class Deciding(Part, frozen=True, kw_only=True):
    """What is decided now, and why."""

    status: Status
    phase: Phase
    reason: str
    next_after: Annotated[
        Instant | None, Meta(description="The earliest time at which the answer can change by time alone.")
    ] = None


class Roles(Part, frozen=True, kw_only=True):
    """Who plays which role: deployment names and revisions, "" where there is none."""

    stable: str = ""
    stable_revision: str = ""
    candidate: str = ""
    goal: str = ""


class Deployment(Part, frozen=True, kw_only=True):
    """One live deployment; `weight` and `mirror` in percent."""

    name: str
    state: str
    instance_count: Count
    instance_type: str = ""
    revision: str | None = None
    weight: Count = 0
    mirror: Count = 0


class Endpoint(Part, frozen=True, kw_only=True):
    """The live endpoint, or that there is none."""

    name: str
    exists: bool
    state: str | None = None
    traffic: Shares = {}
    mirror: Shares = {}
    deployments: tuple[Deployment, ...] = ()


class Step(Part, frozen=True, kw_only=True):
    """One action that is still to come: `text` says it in a sentence, `changes` field by field.

    `same` fields of it are as they are `beside` ("in blue"). `before` and `after` are all that it writes.
    """

    kind: str
    target: Annotated[str, Meta(description="The endpoint or deployment that is written.")]
    text: str
    sign: Sign
    reason: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    changes: tuple[Change, ...] = ()
    same: Count = 0
    beside: str = ""
    hazards: tuple[str, ...] = ()


class Stage(Part, frozen=True, kw_only=True):
    """One stage of the plan: `label` says it in two words, `note` what it asks for or how it stands."""

    name: str
    kind: str
    state: StageState
    label: str
    key: Annotated[str, Meta(description="Of a gate: what is among the passed keys once it has passed.")] = ""
    note: str = ""


class Hazard(Part, frozen=True, kw_only=True):
    """Something of what is to come that may hurt, and `why`. `state`: `shown` (the plan itself says so), `allowed` (by
    policy or a flag) or `refused`; `flag` is what allows it."""

    name: str
    state: Literal["shown", "allowed", "refused"]
    target: str = ""
    why: str = ""
    flag: str = ""

    @property
    def refused(self) -> bool:
        """Whether nothing is done as long as nobody allows it."""
        return self.state == "refused"


class PolicyRule(Part, frozen=True, kw_only=True):
    """A rule that applies to the plan, and where it is written."""

    name: str
    where: str = ""


class PolicyWindow(Part, frozen=True, kw_only=True):
    """A window that applies to the plan: it allows these activities only while it is open, or denies them while it is
    closed. `says` is how it is written."""

    name: str
    allows: bool
    activities: tuple[str, ...]
    where: str = ""
    says: str = ""


class Governing(Part, frozen=True, kw_only=True):
    """The policy that applies. `broken`: the rules that the plan breaks, in sentences; nothing is done until they are
    met. `stopped`: why nothing at all is done. `break_glass`: why somebody goes on in a closed window."""

    rules: tuple[PolicyRule, ...] = ()
    broken: tuple[str, ...] = ()
    windows: tuple[PolicyWindow, ...] = ()
    stopped: str = ""
    break_glass: str = ""


class WayBack(Part, frozen=True, kw_only=True):
    """What a failed gate, or a person's rollback, would do now; `traffic` null: there is nothing to go back to."""

    text: str = ""
    traffic: Shares | None = None


class Measurement(Part, frozen=True, kw_only=True):
    """What a gate said in this command, with the end of the container's log where it brought one, and what the checks
    of a bake were judged by: queries, raw counts, log E (docs/statistics.md); or the rows that a comparison found to
    differ most (docs/compare.md)."""

    gate: str
    outcome: str
    reason: str
    log: tuple[str, ...] = ()
    evidence: Mapping[str, Any] | None = None


class Moment(Part, frozen=True, kw_only=True):
    """One line of the endpoint's history."""

    at: Instant
    what: str


class Result(Part, frozen=True, kw_only=True):
    """How an `apply` ended."""

    exit_code: Count
    writes: Count
    failure: str = ""
    measurements: tuple[Measurement, ...] = ()


class Requests(Part, frozen=True, kw_only=True):
    """Requests to the control plane; polls of operations are counted apart."""

    reads: Count = 0
    writes: Count = 0
    polls: Count = 0


class Finding(Part, frozen=True, kw_only=True):
    """Something that a person should see at a place. `line` and `column` count from 1; 0: the file as a whole."""

    code: str
    severity: Literal["error", "warning", "notice"]
    message: str
    file: str = ""
    line: Count = 0
    column: Count = 0
    path: str = ""
    hint: str = ""
    expected: str = ""
    snippet: str = ""


class Document(Part, frozen=True, kw_only=True, tag_field="kind", tag="change_set"):
    """What a plan would still do, and how its rollout stands. Unknown keys must be passed over."""

    format_version: Version = FORMAT_VERSION
    command: Annotated[str, Meta(description="Which command told it.")] = "diff"
    plan: Annotated[str, Meta(description="The plan's name.")]
    file: Annotated[str, Meta(description="The plan's path as it was given.")] = ""
    commit: Annotated[str, Meta(description="The commit that the plan comes from; empty if unknown.")] = ""
    observed_at: Annotated[Instant | None, Meta(description="When was looked, by the service's clock.")] = None
    exit_code: Annotated[int, Meta(ge=0, description="The exit code, as `--detailed-exitcode` has it.")] = 0
    digest: Digest
    valid_until: Annotated[Instant | None, Meta(description="Until when an approval of this digest holds.")] = None
    complete: Annotated[bool, Meta(description="Whether it ends converged if every gate passes.")]
    decision: Deciding
    roles: Roles = Roles()
    endpoint: Endpoint
    actions: Annotated[tuple[Step, ...], Meta(description="All that would still be done, in order.")] = ()
    stages: tuple[Stage, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    policy: Annotated[Governing | None, Meta(description="The repository's policy; null where it has none.")] = None
    pending: Annotated[tuple[Change, ...], Meta(description="What the plan moved: it is not live yet.")] = ()
    drift: Annotated[tuple[Change, ...], Meta(description="What the world moved: the plan did not.")] = ()
    unchanged: tuple[Same, ...] = ()
    way_back: WayBack = WayBack()
    approval: Annotated[Approved | None, Meta(description="What `apply FILE` takes as approved.")] = None
    notes: tuple[str, ...] = ()
    history: tuple[Moment, ...] = ()
    progress: Annotated[Any, Meta(description="The record in the endpoint's tags.")] = None
    requests: Requests = Requests()
    result: Annotated[Result | None, Meta(description="Of an apply: how it ended.")] = None


class CheckedPlan(Part, frozen=True, kw_only=True):
    """One plan that was validated: what it is, or what is wrong with it."""

    file: str
    valid: bool
    summary: str = ""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    variables: tuple[Any, ...] = ()
    origins: tuple[Any, ...] = ()


class Validation(Part, frozen=True, kw_only=True, tag_field="kind", tag="validation"):
    """What `validate` found. Unknown keys must be passed over."""

    format_version: Version = FORMAT_VERSION
    exit_code: Count = 0
    valid: bool
    plans: tuple[CheckedPlan, ...]


class Failure(Part, frozen=True, kw_only=True, tag_field="kind", tag="failure"):
    """A command that came to no result: the sentence, the remedy, every fault. Unknown keys must be passed over."""

    format_version: Version = FORMAT_VERSION
    command: str
    file: str = ""
    exit_code: Count
    message: str
    hint: str = ""
    log: str = ""
    faults: tuple[Fault, ...] = ()


class Pass(Part, frozen=True, kw_only=True):
    """How the pass of one plan ended. `change_set` is null where the plan could not be looked at.

    Of a fleet there is one for each member, with the fleet's file as `part_of`, and one for itself: `fleet` says how it
    stands, without the change sets that its members' have."""

    file: str
    exit_code: Count
    status: str
    reason: str
    writes: Count = 0
    next_after: Instant | None = None
    change_set: Document | None = None
    part_of: str = ""
    fleet: Fleet | None = None


class Reconciliation(Part, frozen=True, kw_only=True, tag_field="kind", tag="reconciliation"):
    """One bounded pass over many plans. Unknown keys must be passed over."""

    format_version: Version = FORMAT_VERSION
    command: Annotated[str, Meta(description="Which command told it: `reconcile`, or `diff` over many plans.")] = (
        "reconcile"
    )
    exit_code: Count
    plans: tuple[Pass, ...]
    next_after: Annotated[Instant | None, Meta(description="When the next pass is worth it.")] = None


class FleetMember(Part, frozen=True, kw_only=True):
    """How one member of a fleet stands. `weight`: what of the traffic its goal has; `stage`: where its run is.

    `change_set` is null where nobody looked so far, or could not look."""

    name: str
    file: Annotated[str, Meta(description="The path of its plan.")]
    endpoint: str
    target: Annotated[str, Meta(description="The workspace.")] = ""
    state: Standing
    weight: Percent = 0
    stage: str = ""
    promoted: Annotated[str, Meta(description="The revision that is promoted on it; empty where nobody knows.")] = ""
    reason: str = ""
    exit_code: Count = 0
    writes: Count = 0
    next_after: Instant | None = None
    change_set: Document | None = None


class FleetWave(Part, frozen=True, kw_only=True):
    """One wave. `until`: when its bake ends."""

    name: str
    state: WaveState
    reason: str = ""
    after: tuple[str, ...] = ()
    until: Instant | None = None
    members: tuple[FleetMember, ...]


class Fleet(Part, frozen=True, kw_only=True, tag_field="kind", tag="fleet"):
    """How a fleet stands, wave by wave. Unknown keys must be passed over."""

    format_version: Version = FORMAT_VERSION
    command: Annotated[str, Meta(description="Which command told it.")]
    fleet: Annotated[str, Meta(description="The fleet's name.")]
    file: Annotated[str, Meta(description="Its path as it was given.")]
    exit_code: Count
    status: FleetStatus
    reason: str
    digest: Annotated[str, Meta(description="Of the waves and the change sets of all members: `apply --expect`.")] = ""
    valid_until: Annotated[Instant | None, Meta(description="Until when an approval of this digest holds.")] = None
    begun: Annotated[bool, Meta(description="Whether somebody has begun this very release of the fleet.")] = False
    error_budget: Annotated[int, Meta(ge=0, description="How many members may fail.")]
    failed: Annotated[int, Meta(ge=0, description="How many have failed.")]
    waves: tuple[FleetWave, ...]
    next_after: Annotated[Instant | None, Meta(description="When the next pass is worth it.")] = None
    former: Annotated[tuple[FormerMember, ...], Meta(description="Who is a member no more; `diff`, `status`.")] = ()
    approval: Annotated[ApprovedFleet | None, Meta(description="What `apply FILE` takes as approved.")] = None

    @property
    def members(self) -> tuple[FleetMember, ...]:
        """All of them, in the order of the file."""
        return tuple(member for wave in self.waves for member in wave.members)

    @property
    def change_sets(self) -> tuple[Document, ...]:
        """Those that are known, in the same order."""
        return tuple(member.change_set for member in self.members if member.change_set is not None)


AnyDocument = Document | Validation | Failure | Reconciliation | Fleet
