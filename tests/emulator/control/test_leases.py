"""Blob leases: the rules alone, then the unchanged blob client."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobLeaseClient

from rollout.emulator.leases import FOR_EVER, LeaseRefusedError, Leases
from tests.emulator.control.conftest import Arm

BLOB, A, B = ("locks", "house"), "a" * 8, "b" * 8


def refused(code: str) -> pytest.RaisesExc[LeaseRefusedError]:
    """The refusal with that code."""
    return pytest.RaisesExc(LeaseRefusedError, check=lambda error: error.code == code)


def test_one_at_a_time() -> None:
    """A second id is refused while the first one holds, and served when its time is over."""
    leases = Leases()
    leases.acquire(BLOB, A, 60, now=0)
    with refused("LeaseAlreadyPresent"):
        leases.acquire(BLOB, B, 60, now=59)
    assert leases.state(BLOB, 59) == "leased"
    assert leases.state(BLOB, 60) == "expired"
    assert leases.acquire(BLOB, B, 60, now=60).id == B


def test_the_same_id_takes_it_again() -> None:
    """A client whose first answer was lost asks again."""
    leases = Leases()
    leases.acquire(BLOB, A, 60, now=0)
    assert leases.acquire(BLOB, A, 60, now=30).until == 90


def test_renewed() -> None:
    """As long again from then on; also after its end, if nobody else came."""
    leases = Leases()
    leases.acquire(BLOB, A, 60, now=0)
    assert leases.renew(BLOB, A, now=40).until == 100
    assert leases.renew(BLOB, A, now=200).until == 260
    with refused("LeaseIdMismatchWithLeaseOperation"):
        leases.renew(BLOB, B, now=201)


def test_released() -> None:
    """The next one gets it at once; a foreign id releases nothing."""
    leases = Leases()
    leases.acquire(BLOB, A, 60, now=0)
    with refused("LeaseIdMismatchWithLeaseOperation"):
        leases.release(BLOB, B)
    leases.release(BLOB, A)
    assert leases.state(BLOB, 1) == "available"
    leases.acquire(BLOB, B, 60, now=1)


@pytest.mark.parametrize(
    ("duration", "period", "left"), [(60, None, 50), (60, 0, 0), (60, 99, 50), (FOR_EVER, None, 0), (FOR_EVER, 5, 5)]
)
def test_broken(duration: int, period: int | None, left: int) -> None:
    """Never later than it would have ended by itself; then it cannot be renewed, and anybody may take it."""
    leases = Leases()
    leases.acquire(BLOB, A, duration, now=0)
    assert leases.take_away(BLOB, period, now=10) == left
    with refused("LeaseIsBrokenAndCannotBeRenewed"):
        leases.renew(BLOB, A, now=11)
    leases.acquire(BLOB, B, 60, now=10 + left)


@pytest.mark.parametrize("duration", [0, 14, 61, -2])
def test_durations(duration: int) -> None:
    """15 to 60 seconds, or for ever."""
    with refused("InvalidHeaderValue"):
        Leases().acquire(BLOB, A, duration, now=0)


def test_writes_need_the_id() -> None:
    """Only while it holds; afterwards the id of the one who held it is refused."""
    leases = Leases()
    leases.check_write(BLOB, "", now=0)
    leases.acquire(BLOB, A, 60, now=0)
    leases.check_write(BLOB, A, now=1)
    with refused("LeaseIdMissing"):
        leases.check_write(BLOB, "", now=1)
    with refused("LeaseIdMismatchWithBlobOperation"):
        leases.check_write(BLOB, B, now=1)
    with refused("LeaseLost"):
        leases.check_write(BLOB, A, now=61)


@pytest.fixture
def blob(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> BlobClient:
    """A blob in the default datastore, by the unchanged client."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(arm.session.verify))
    store = arm.ask("GET", "datastores/workspaceblobstore").json()["properties"]
    token = arm.ask("POST", "datastores/workspaceblobstore/listSecrets").json()["sasToken"]
    url = f"https://{store['accountName']}.blob.{store['endpoint']}/{store['containerName']}/locks/{arm.house()}"
    client = BlobClient.from_blob_url(f"{url}?{token}", retry_total=0)
    client.upload_blob(b"")
    return client


def _told(error: HttpResponseError) -> tuple[int | None, str | None]:
    """The status, and the storage service's own code."""
    return error.status_code, getattr(error, "error_code", None)


def test_the_client_leases(blob: BlobClient) -> None:
    """Acquire, refuse the second, write only with the id, renew, break, acquire."""
    mine = blob.acquire_lease(60)
    with pytest.raises(HttpResponseError, match="There is already a lease present") as caught:
        blob.acquire_lease(60)
    assert _told(caught.value) == (409, "LeaseAlreadyPresent")
    with pytest.raises(HttpResponseError) as caught:
        blob.set_blob_metadata({"holder": "them"})
    assert _told(caught.value) == (412, "LeaseIdMissing")
    blob.set_blob_metadata({"holder": "me"}, lease=mine)
    assert blob.get_blob_properties().lease.state == "leased"
    mine.renew()
    assert BlobLeaseClient(blob).break_lease(0) == 0
    blob.acquire_lease(60).release()
    assert blob.get_blob_properties().lease.state == "available"
