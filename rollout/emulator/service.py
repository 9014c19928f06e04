"""The emulated workspace without HTTP: rules, assets, blobs and sign-in over one state directory and one clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from rollout.emulator import persistence
from rollout.emulator.answers import plain
from rollout.emulator.backend import Backend, Route
from rollout.emulator.blobs import Blobs
from rollout.emulator.catalog import Catalog
from rollout.emulator.clock import ServiceClock
from rollout.emulator.deployments import held_deployment
from rollout.emulator.directory import Directory
from rollout.emulator.endpoints import find
from rollout.emulator.entra import Entra
from rollout.emulator.faults import Faults
from rollout.emulator.identity import Identity
from rollout.emulator.leases import Leases
from rollout.emulator.monitor.activity_log import ActivityLog
from rollout.emulator.monitor.generator import Generator
from rollout.emulator.monitor.records import KEPT
from rollout.emulator.monitor.synthetic import Weights
from rollout.emulator.monitor.telemetry import Telemetry
from rollout.emulator.policies import Policy
from rollout.emulator.rules import Rules
from rollout.emulator.settings import Scope, Settings
from rollout.emulator.stale import Earlier
from rollout.emulator.store import Row, Store
from rollout.emulator.throttle import Served, Throttle

_META = "meta"
_AT_ONCE = 0.03
"""Real seconds between two polls where time leaps."""
_RESERVE_REAL_SECONDS = 1.0
"""The time is saved this far ahead, so that a killed emulator never goes back and need not save at each answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run: `speed` is seconds of the service's time in one real second.

    With `stands_at` time begins there and stands still, but for leaps: to the end of each operation, and as far as the
    clock is told to advance. For simulations: the same requests then always see the same time. With `assumes_assets`
    deployments do not ask whether the assets that they name are there, and nothing is unpacked. `kept_requests` is how
    long the traffic log is.
    """

    speed: float = 1.0
    stands_at: datetime | None = None
    assumes_assets: bool = False
    kept_requests: int = KEPT
    throttle: bool = True
    settings: Settings = field(default_factory=Settings)


class Service:
    """State and rules of one emulator. Single-threaded; after each change `flush` makes it durable and routes it."""

    def __init__(
        self,
        state_dir: Path,
        identity: Identity,
        base_url: str,
        options: Options,
        make_backend: Callable[[ServiceClock], Backend],
    ) -> None:
        self.state_dir = state_dir
        self.identity = identity
        self.store = Store(state_dir / "state.sqlite3")
        self._leaps = options.stands_at is not None
        self.clock = _clock(options, self._saved_time())
        self.backend = make_backend(self.clock)
        self.scope = _scope(identity, base_url)
        self.rules = Rules(_settings(options, identity, self._boot()), self.scope, backend=True)
        persistence.load(self.rules.world, self.store, self._saved_url())
        self.catalog = Catalog(self.scope, self.store)
        self.blobs = Blobs(state_dir / "blobs")
        self.leases = Leases()
        self.directory = Directory(identity, self.store)
        self.policies: tuple[Policy, ...] = ()
        self.activity = ActivityLog(self.store)
        self.telemetry: Telemetry = getattr(self.backend, "telemetry", None) or Telemetry(self.clock.now)
        self.telemetry.log.keep(options.kept_requests)
        self.assumes_assets = options.assumes_assets
        self.generator = Generator(self.telemetry.record)
        self.entra = Entra(base_url, identity.tenant_id, self.directory.secret, identity.signing_secret.encode())
        self.faults = Faults()
        self.earlier = Earlier()
        self.throttle = Throttle(options.throttle)
        self.served = Served()
        self._time_saved_to = self.clock.now()
        self._on_change: list[Callable[[], None]] = []
        self.store.write([(_META, "base_url", base_url.encode())])

    def now(self) -> datetime:
        """The service's time; what is saved is always ahead of it."""
        now = self.clock.now()
        if now >= self._time_saved_to:
            self._time_saved_to = now + timedelta(seconds=_RESERVE_REAL_SECONDS * self.clock.speed)
            self.store.write([(_META, "time", self._time_saved_to.isoformat().encode())])
        return now

    def leap(self) -> None:
        """Where time stands still: go to the end of what is under way, unless the backend is still at work on it."""
        due = [operation.due for operation in self.rules.world.in_flight.values() if not operation.waits]
        if self._leaps and due:
            self.clock.advance(max(0.0, (min(due) - self.clock.now()).total_seconds()))

    def on_change(self, notify: Callable[[], None]) -> None:
        """Call this after each flush (the provisioner looks for jobs then)."""
        self._on_change.append(notify)

    def flush(self) -> None:
        """Make all changes durable, then let the data plane follow them."""
        world = self.rules.world
        if world.changed or world.changed_operations or world.history:
            changed = tuple(world.changed)
            for shot in world.history:
                self.earlier.note(shot)
            self._note_ends()
            self.store.write(*persistence.drain(world))
            for key in changed:
                self.route(key)
        for notify in self._on_change:
            notify()

    def _note_ends(self) -> None:
        """The activity log tells the end of operations too."""
        world = self.rules.world
        for key in world.changed_operations:
            operation = world.operations[key]
            if operation.ended is not None:
                self.activity.ended(key, well=operation.failure is None, at=operation.ended)

    def exists(self, resource: str, now: datetime) -> None:
        """Raises `Rejected` (404) if there is no such endpoint or deployment, by its ARM id."""
        lowered = resource.lower()
        endpoint, _, rest = lowered.partition("/onlineendpoints/")[2].partition("/")
        self.rules.tick(now)
        if not lowered.startswith(self.scope.workspace_path.lower()) or not endpoint:
            raise plain(404, "ResourceNotFound", f"The resource '{resource}' was not found.")
        if deployment := rest.removeprefix("deployments/"):
            held_deployment(self.rules.world, endpoint, deployment)
        else:
            find(self.rules.world, endpoint)

    @property
    def settings(self) -> Settings:
        """How the service behaves."""
        return self.rules.world.settings

    @property
    def log_workspace_id(self) -> str:
        """The id of the Log Analytics workspace that gets the traffic log."""
        return self.identity.log_workspace_id

    def route(self, key: str) -> None:
        """Tell the data plane the weights and accepted keys of an endpoint, or that it is gone."""
        held = self.rules.world.endpoints.get(key)
        if held is None:
            self.backend.unroute(key)
            self.generator.gone(key)
            return
        inner = held.doc["properties"]
        live = {name.lower(): weight for name, weight in inner["traffic"].items()}
        mirror = {name.lower(): weight for name, weight in inner["mirrorTraffic"].items()}
        self.generator.route(key, Weights(live, mirror), self.clock.now())
        accepted = {
            "Key": held.keys,
            "AMLToken": tuple(value for value, _ in held.tokens),
            "AADToken": (self.internal_key(key),),
        }
        self.backend.route(
            Route(
                endpoint=key,
                traffic=live,
                mirror=mirror,
                keys=accepted[inner["authMode"]],
                auth_mode=inner["authMode"],
            )
        )

    def internal_key(self, endpoint: str) -> str:
        """What stands for a checked Entra token between this front and the router."""
        return f"entra-{self.identity.signing_secret[:16]}-{endpoint}"

    def close(self) -> None:
        """Save the exact time and close the store."""
        self.store.write([(_META, "time", self.clock.now().isoformat().encode())])
        self.store.close()

    def _saved_time(self) -> datetime | None:
        raw = self.store.get(_META, "time")
        return datetime.fromisoformat(raw.decode()) if raw else None

    def _saved_url(self) -> str | None:
        raw = self.store.get(_META, "base_url")
        return raw.decode() if raw else None

    def _boot(self) -> int:
        """How often this state directory was started: ids of a new start never repeat those of an earlier one."""
        number = int(self.store.get(_META, "boot") or b"0") + 1
        rows: list[Row] = [(_META, "boot", str(number).encode())]
        self.store.write(rows)
        return number


def _clock(options: Options, saved: datetime | None) -> ServiceClock:
    if options.stands_at is None:
        return ServiceClock.resumed(saved, options.speed)
    return ServiceClock(max(options.stands_at, saved or options.stands_at), options.speed, lambda: 0.0)


def _scope(identity: Identity, base_url: str) -> Scope:
    return Scope(
        subscription_id=identity.subscription_id,
        resource_group=identity.resource_group,
        workspace=identity.workspace,
        workspace_guid=identity.workspace_guid,
        tenant_id=identity.tenant_id,
        location=identity.location,
        base_url=base_url,
    )


def _settings(options: Options, identity: Identity, boot: int) -> Settings:
    """The settings with a seed of this start, and waits between polls that suit the speed."""
    speed = options.speed
    hint = _AT_ONCE if options.stands_at else None if speed <= 1 else max(0.03, min(10.0, 5.0 / speed))
    return replace(
        options.settings,
        seed=f"{identity.seed}:{boot}",
        poll_hint=hint,
        unpolled_grace=max(1.0, 0.5 * speed),
    )
