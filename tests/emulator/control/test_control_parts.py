"""The parts below HTTP: clock, store, blobs, quota, token buckets, sign-in, faults, durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout.emulator.answers import Answer
from rollout.emulator.blobs import Blobs
from rollout.emulator.clock import ServiceClock, http_date
from rollout.emulator.durations import milliseconds
from rollout.emulator.entra import Entra
from rollout.emulator.environment import variables
from rollout.emulator.faults import Delay, Drop, Fail, Fault, Faults, Quota
from rollout.emulator.identity import identity
from rollout.emulator.persistence import drain, load
from rollout.emulator.provision import place
from rollout.emulator.quota import cores, needed
from rollout.emulator.rules import Rules
from rollout.emulator.store import Store
from rollout.emulator.throttle import Throttle
from rollout.emulator.world import Kind
from tests.emulator.control.bodies import START, Bench


def test_the_clock_runs_faster_and_skips() -> None:
    """Service time = start + real time × speed + what was skipped; it cannot be turned back."""
    real = [100.0]
    clock = ServiceClock(START, 60, lambda: real[0])
    real[0] += 2
    assert clock.now() == START + timedelta(minutes=2)
    assert clock.advance(30) == START + timedelta(minutes=2, seconds=30)
    assert clock.real_seconds(120) == 2
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="greater than 0"):
        ServiceClock(START, 0)


def test_a_resumed_clock_never_goes_back() -> None:
    """It starts at the time that was reached, or at the real time if that is later."""
    ahead = datetime.now(UTC) + timedelta(days=400)
    assert ServiceClock.resumed(ahead, 1).now() >= ahead
    assert ServiceClock.resumed(START - timedelta(days=9999), 1).now().year >= 2024
    assert http_date(START) == "Thu, 01 Jan 2026 00:00:00 GMT"


def test_the_store_takes_all_or_nothing(tmp_path: Path) -> None:
    """A failing write leaves no part of itself; deleting and replacing are writes like others."""
    store = Store(tmp_path / "db")
    store.write([("kind", "a", b"1"), ("kind", "b", b"2")], [("house", b"first")])
    broken = [("kind", "c", b"3"), ("kind", "d", object())]
    with pytest.raises(Exception, match="type 'object' is not supported"):
        store.write(broken, [("house", b"never")])  # type: ignore[arg-type]
    store.write([("kind", "a", None), ("kind", "b", b"4")], [("barn", b"second")])
    assert list(store.read("kind")) == [("b", b"4")]
    assert (store.get("kind", "a"), store.history("house"), store.history()) == (
        None,
        [b"first"],
        [b"first", b"second"],
    )
    store.close()


def test_a_world_survives_the_store(tmp_path: Path) -> None:
    """What is read back answers as before, operations under way included, at a new address."""
    bench = Bench().serving("blue", "green")
    begun = bench.endpoint({"blue": 90, "green": 10})
    store = Store(tmp_path / "db")
    store.write(*drain(bench.rules.world))
    assert drain(bench.rules.world) == ([], [])
    copy = Rules(bench.rules.world.settings)
    load(copy.world, store, bench.rules.world.scope.base_url)
    for name in ("blue", "green"):
        assert copy.get_deployment("house", name, bench.now) == bench.rules.get_deployment("house", name, bench.now)
    assert copy.list_keys("house", bench.now) == bench.rules.list_keys("house", bench.now)
    assert copy.put_endpoint("house", {}, bench.now).status == 409
    now = copy.settle(bench.now)
    assert copy.get_endpoint("house", now).body["properties"]["traffic"] == {"blue": 90, "green": 10}
    operation = begun.headers["Azure-AsyncOperation"].rpartition("/")[2].partition("?")[0]
    assert copy.operation(operation, now).body["status"] == "Succeeded"
    store.close()


def test_blobs_keep_names_apart(tmp_path: Path) -> None:
    """Any name is kept as given, in its container; none leaves the directory."""
    blobs = Blobs(tmp_path)
    names = ["a", "a/b", "../../etc/passwd", "x" * 900, "ä ö", "a.blob"]
    for name in names:
        blobs.put("one", name, name.encode(), {"k": "v"})
    assert [blob.name for blob in blobs.listing("one")] == sorted(names)
    assert list(blobs.listing("two")) == []
    found = blobs.find("one", "../../etc/passwd")
    assert found is not None
    assert (found.path.read_bytes(), found.metadata) == (b"../../etc/passwd", {"k": "v"})
    assert found.path.is_relative_to(tmp_path)
    assert blobs.find("two", "a") is None


def test_blocks(tmp_path: Path) -> None:
    """Blocks appear when they are committed, in the order of the list; a missing one refuses the list."""
    blobs = Blobs(tmp_path)
    blobs.put_block("one", "large", "b2", b"world")
    blobs.put_block("one", "large", "b1", b"hello ")
    assert blobs.find("one", "large") is None
    assert blobs.commit_blocks("one", "large", ["b1", "b3"], {}) is None
    done = blobs.commit_blocks("one", "large", ["b1", "b2"], {"a": "b"})
    assert done is not None
    assert (done.path.read_bytes(), blobs.find("one", "large")) == (b"hello world", done)


def test_unpacking(tmp_path: Path) -> None:
    """A folder comes out below the target, a single file under its own name, and neighbours stay out."""
    blobs = Blobs(tmp_path / "blobs")
    for name in ("up/model/a.bin", "up/model/deep/b.bin", "up/model2/c.bin", "up/one.pkl", "up/model/../../../evil"):
        blobs.put("one", name, name.encode(), {})
    assert blobs.unpack("one", "up/model", tmp_path / "folder") == 2
    assert blobs.unpack("one", "up/one.pkl", tmp_path / "file") == 1
    assert blobs.unpack("one", "up/none", tmp_path / "none") == 0
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("f*/**/*") if path.is_file()}
    assert made == {"folder/a.bin", "folder/deep/b.bin", "file/one.pkl"}
    assert not (tmp_path / "evil").exists()


SIZES = {
    "Standard_DS3_v2": 4,
    "STANDARD_DS5_V2": 16,
    "Standard_D2as_v4": 2,
    "Standard_F2s_v2": 2,
    "Standard_E16s_v3": 16,
    "STANDARD_NC4AS_T4_V3": 4,
    "Standard_NC48ads_A100_v4": 48,
    "defaultinstancetype": 0,
}


@pytest.mark.parametrize("size", SIZES)
def test_cores(size: str) -> None:
    """The documented cores of each size of the example corpus."""
    assert cores(size) == SIZES[size]


def test_reserve() -> None:
    """20 % more instances, rounded up, except for the sizes that are exempt."""
    assert [needed("Standard_DS3_v2", count) for count in (1, 5, 10)] == [8, 24, 48]
    assert needed("Standard_NC48ads_A100_v4", 2) == 96


def test_token_buckets() -> None:
    """200 writes at once, then ten a second; a disabled bucket refuses nothing."""
    throttle = Throttle()
    assert [throttle.take("writes", START)[0] for _ in range(200)] == list(range(199, -1, -1))
    assert throttle.take("writes", START) == (0, 0.1)
    assert throttle.take("reads", START) == (249, 0.0)
    later = START + timedelta(seconds=1)
    assert [throttle.take("writes", later)[1] for _ in range(11)] == [0.0] * 10 + [0.1]
    free = Throttle(enabled=False)
    assert {free.take("writes", START)[1] for _ in range(500)} == {0.0}


@pytest.fixture
def entra() -> Entra:
    """A tenant with one application."""
    return Entra("https://127.0.0.1:1", "tenant", {"client": "password"}.get, b"secret")


def _form(**changed: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "password"}
    return form | {"scope": "https://management.azure.com/.default"} | changed


def test_signing_in(entra: Entra) -> None:
    """A token works for its audience until it runs out, and nobody can make one."""
    told = entra.token(_form(), 1000.0)
    assert (told.status, told.body["token_type"], told.body["expires_in"]) == (200, "Bearer", 3600)
    bearer = f"Bearer {told.body['access_token']}"
    assert entra.check_arm(bearer, 1001.0) is None
    assert entra.check_arm(bearer, 4601.0) is not None
    assert entra.check_arm(bearer[:-2] + "AA", 1001.0) is not None
    assert not entra.accepts_scoring(bearer, 1001.0)
    scoring = entra.token(_form(scope="https://ml.azure.com/.default"), 1000.0).body["access_token"]
    assert entra.accepts_scoring(f"Bearer {scoring}", 1001.0)


REFUSED_SIGN_INS = {
    "another secret": (_form(client_secret="guess"), 401, "invalid_client"),
    "another client": (_form(client_id="else"), 400, "unauthorized_client"),
    "another grant": (_form(grant_type="password"), 400, "unsupported_grant_type"),
}


@pytest.mark.parametrize("case", REFUSED_SIGN_INS)
def test_refused_sign_ins(entra: Entra, case: str) -> None:
    """What Entra refuses, in its own words."""
    form, status, error = REFUSED_SIGN_INS[case]
    told: Answer = entra.token(form, 1000.0)
    assert (told.status, told.body["error"]) == (status, error)


def test_a_federated_assertion(entra: Entra) -> None:
    """A client assertion stands for the secret."""
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = _form(client_secret="", client_assertion_type=kind, client_assertion="from-elsewhere")
    assert entra.token(form, 1000.0).status == 200


def test_faults_fire_when_they_should() -> None:
    """On the nth match, as often as wanted, in their area; failures and quota are ordered at once."""
    world, faults = Rules().world, Faults()
    drop, delay = Drop(), Delay(seconds=1)
    rules = [
        Fault(effect=drop, method="PUT", path="/blue", nth=2, times=2),
        Fault(effect=delay, area="any", times=None),
        Fault(effect=Fail(operation=Kind.DEPLOYMENT_CREATE, code="X"), times=2),
        Fault(effect=Quota(cores=8)),
    ]
    faults.replace(rules, world)
    seen = [drop in faults.match("arm", "put", "/x/BLUE?y") for _ in range(5)]
    assert seen == [False, True, True, False, False]
    assert faults.match("data", "PUT", "/blue") == [delay]
    assert [(order.kind, order.code) for order in world.ordered] == [(Kind.DEPLOYMENT_CREATE, "X")] * 2
    assert world.quota_cores == 8
    faults.replace([], world)
    assert faults.match("arm", "PUT", "/blue") == []
    assert world.ordered == []
    assert faults.listing() == []


def test_durations() -> None:
    """ISO 8601 in milliseconds; what is none is refused."""
    assert [milliseconds(text) for text in ("PT5S", "PT0.5S", "PT1M30S", "PT2H", "P1D")] == [
        5_000,
        500,
        90_000,
        7_200_000,
        86_400_000,
    ]
    with pytest.raises(ValueError, match="not a duration: 5s"):
        milliseconds("5s")


def test_places_of_assets() -> None:
    """Both forms of an asset's address lead to container and path."""
    model = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/LocalUpload/abc/model/"
    assert place(model) == ("azureml-blobstore", "LocalUpload/abc/model")
    assert place("https://127.0.0.1:1/acct.blob.core.windows.net/c1/code?sig=x") == ("c1", "code")


def test_identity_is_made_once(tmp_path: Path) -> None:
    """The same state directory keeps its ids and secrets; printing it shows none of them."""
    first = identity(tmp_path)
    assert identity(tmp_path) == first
    assert first.client_secret not in repr(first)
    assert variables(first, "https://127.0.0.1:1", tmp_path / "ca.pem")["AZURE_CLIENT_SECRET"] == first.client_secret
