"""The life of endpoints and deployments under the service's rules: states, operations, what an end commits."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.emulator.settings import Settings
from rollout.emulator.world import Kind
from tests.emulator.control.bodies import Bench, deployment_body, endpoint_body, sentence


def _state(bench: Bench, deployment: str | None = None) -> str:
    if deployment is None:
        answer = bench.rules.get_endpoint("house", bench.now)
    else:
        answer = bench.rules.get_deployment("house", deployment, bench.now)
    return str(answer.body["properties"]["provisioningState"]) if answer.ok else str(answer.status)


def _operation(answer: Any) -> str:
    return str(answer.headers["Azure-AsyncOperation"].rpartition("/")[2].partition("?")[0])


def test_an_endpoint_has_no_address_until_it_is_made() -> None:
    """201 shows `Creating` and no scoring URI; the end of the operation brings both."""
    bench = Bench()
    created = bench.endpoint()
    inner = created.body["properties"]
    assert (created.status, inner["provisioningState"], inner["scoringUri"]) == (201, "Creating", None)
    bench.settle()
    made = bench.rules.get_endpoint("house", bench.now).body["properties"]
    assert made["provisioningState"] == "Succeeded"
    assert made["scoringUri"] == "https://127.0.0.1:8443/endpoints/house/score"
    assert made["swaggerUri"] == "https://127.0.0.1:8443/endpoints/house/swagger.json"


def test_the_old_traffic_is_shown_until_the_operation_ends() -> None:
    """A PUT of new weights answers 201, `Updating`, with the old weights, then commits all at once."""
    bench = Bench().serving("blue", "green")
    answer = bench.endpoint({"blue": 90, "green": 10}, tags={"run": "1"})
    shown = answer.body
    assert (answer.status, shown["properties"]["provisioningState"]) == (201, "Updating")
    assert (shown["properties"]["traffic"], shown["tags"]) == ({"blue": 100}, {})
    assert bench.weights() == ({"blue": 100}, {})
    bench.settle()
    assert bench.weights() == ({"blue": 90, "green": 10}, {})
    assert bench.rules.get_endpoint("house", bench.now).body["tags"] == {"run": "1"}


def test_put_replaces_everything() -> None:
    """What a PUT leaves out is gone: traffic, mirror, tags, description."""
    bench = Bench().serving("blue", "green")
    bench.endpoint({"blue": 100}, mirror={"green": 10}, tags={"a": "b"})
    bench.settle()
    body = endpoint_body()
    del body["tags"], body["properties"]["traffic"], body["properties"]["mirrorTraffic"]
    bench.rules.put_endpoint("house", body, bench.now)
    bench.settle()
    live = bench.rules.get_endpoint("house", bench.now).body
    assert (live["tags"], bench.weights()) == ({}, ({}, {}))


def test_at_least_two_polls_see_an_operation_at_work() -> None:
    """However late the first poll comes, two see `Updating` before one sees the end."""
    bench = Bench(Settings(unpolled_grace=10_000))
    operation = _operation(bench.endpoint())
    bench.later(5_000)
    seen = [bench.rules.operation(operation, bench.now).body["status"] for _ in range(3)]
    assert seen == ["Updating", "Updating", "Succeeded"]


def test_polls_before_time_change_nothing() -> None:
    """An operation takes its time, however often it is asked."""
    bench = Bench()
    operation = _operation(bench.endpoint())
    for _ in range(50):
        assert bench.rules.operation(operation, bench.now).body["percentComplete"] == 0.0
    bench.later(90)
    body = bench.rules.operation(operation, bench.now).body
    assert (body["status"], body["percentComplete"], body["endTime"]) == (
        "Succeeded",
        100.0,
        "2026-01-01T00:01:30+00:00",
    )


def test_an_operation_that_nobody_asks_for_ends_too() -> None:
    """Fire and forget works: the end comes a moment after it was due."""
    bench = Bench()
    bench.endpoint()
    bench.later(90.5)
    assert _state(bench) == "Creating"
    bench.later(1)
    assert _state(bench) == "Succeeded"


WHILE_UPDATING = {
    "endpoint put": lambda b: b.endpoint({"green": 100}),
    "endpoint patch": lambda b: b.rules.patch_endpoint("house", {"tags": {}}, b.now),
    "endpoint delete": lambda b: b.rules.delete_endpoint("house", b.now),
    "deployment put": lambda b: b.deployment("teal"),
    "deployment patch": lambda b: b.rules.patch_deployment("house", "green", {"tags": {}}, b.now),
    "deployment delete": lambda b: b.rules.delete_deployment("house", "green", b.now),
    "keys": lambda b: b.rules.regenerate_keys("house", {"keyType": "Primary"}, b.now),
}


@pytest.mark.parametrize("write", WHILE_UPDATING)
@pytest.mark.parametrize("under_way", ["endpoint", "deployment"])
def test_one_operation_at_a_time(under_way: str, write: str) -> None:
    """While the endpoint or one of its deployments is worked on, every write gets 409 and changes nothing."""
    bench = Bench().serving("blue", "green")
    started = bench.endpoint({"blue": 90, "green": 10}) if under_way == "endpoint" else bench.deployment("grey")
    assert started.status == 201
    answer = WHILE_UPDATING[write](bench)
    assert (answer.status, answer.body["error"]["code"]) == (409, "Conflict")
    bench.settle()
    expected = {"blue": 90, "green": 10} if under_way == "endpoint" else {"blue": 100}
    assert bench.weights() == (expected, {})


def test_the_words_for_a_deployment_while_the_endpoint_updates() -> None:
    """The recorded sentence."""
    bench = Bench().serving("blue")
    bench.endpoint({"blue": 100})
    words = "Cannot create a deployment in endpoint house because it is in Updating provisioning state."
    assert sentence(bench.deployment("green")) == words


def test_deployments_side_by_side_where_the_settings_allow() -> None:
    """The lenient reading locks a deployment only against itself."""
    bench = Bench(Settings(deployment_locks_endpoint=False))
    bench.endpoint()
    bench.settle()
    assert [bench.deployment(name).status for name in ("blue", "green", "blue")] == [201, 201, 409]


def test_defaults_come_with_success() -> None:
    """Probes and time-outs are filled in when the deployment has succeeded, not before."""
    bench = Bench()
    bench.endpoint()
    bench.settle()
    shown = bench.deployment("blue").body["properties"]
    assert (shown["provisioningState"], shown["livenessProbe"], shown["requestSettings"]["requestTimeout"]) == (
        "Updating",
        None,
        "PT0S",
    )
    bench.settle()
    made = bench.rules.get_deployment("house", "blue", bench.now).body["properties"]
    assert made["requestSettings"] == {
        "maxQueueWait": "PT0S",
        "requestTimeout": "PT5S",
        "maxConcurrentRequestsPerInstance": 1,
    }
    assert made["livenessProbe"] == made["readinessProbe"]
    assert made["livenessProbe"]["period"] == "PT10S"


@pytest.mark.parametrize(
    ("change", "state", "seconds"),
    [
        ({"count": 2}, "Scaling", 240),
        ({"environmentVariables": {"A": "1"}}, "Updating", 570),
        ({"description": "better"}, "Updating", 10),
    ],
)
def test_in_place_changes(change: dict[str, Any], state: str, seconds: float) -> None:
    """Scaling, updating and describing take their own states and times, and keep the old form until they end."""
    bench = Bench().serving("blue")
    count = change.pop("count", 1)
    shown = bench.deployment("blue", count, **change)
    assert (shown.status, shown.body["properties"]["provisioningState"]) == (201, state)
    assert shown.body["sku"]["capacity"] == 1
    bench.later(seconds - 1)
    assert _state(bench, "blue") == state
    bench.later(3)
    live = bench.rules.get_deployment("house", "blue", bench.now).body
    assert (live["properties"]["provisioningState"], live["sku"]["capacity"]) == ("Succeeded", count)
    assert {key: live["properties"][key] for key in change} == change


def test_a_failed_first_create_is_for_good() -> None:
    """It can only be deleted; then the name is free again."""
    bench = Bench().serving("blue")
    bench.rules.fail_next(Kind.DEPLOYMENT_CREATE, "ResourceNotReady", "it crashed")
    operation = _operation(bench.deployment("green"))
    bench.settle()
    ended = bench.rules.operation(operation, bench.now).body
    assert (ended["status"], ended["error"]["code"], ended["error"]["message"]) == (
        "Failed",
        "ResourceNotReady",
        "it crashed",
    )
    assert _state(bench, "green") == "Failed"
    words = (
        "Specified deployment [green] failed during initial provisioning and is in an unrecoverable state. "
        "Delete and re-create."
    )
    assert sentence(bench.deployment("green")) == words
    assert sentence(bench.endpoint({"green": 100})) == (
        "Deployment [green] is in Failed provisioning state and cannot get traffic."
    )
    bench.rules.delete_deployment("house", "green", bench.now)
    bench.settle()
    assert _state(bench, "green") == "404"
    assert bench.deployment("green").status == 201


def test_a_failed_update_can_be_repaired() -> None:
    """A deployment that once succeeded takes another PUT after a failed one, and shows what failed until then."""
    bench = Bench().serving("blue", "green")
    bench.rules.fail_next(Kind.DEPLOYMENT_UPDATE, "ImageBuildFailure", "no")
    bench.deployment("green", environmentVariables={"A": "1"})
    bench.settle()
    assert _state(bench, "green") == "Failed"
    failed = bench.rules.get_deployment("house", "green", bench.now).body["properties"]
    assert failed["environmentVariables"] == {"A": "1"}
    bench.deployment("green", environmentVariables={"A": "2"})
    bench.settle()
    assert _state(bench, "green") == "Succeeded"


def test_a_failed_endpoint() -> None:
    """A failed first create takes no PUT and no deployment; a failed update keeps the old weights."""
    bench = Bench()
    bench.rules.fail_next(Kind.ENDPOINT_CREATE, "InternalServerError", "no")
    bench.endpoint()
    bench.settle()
    assert sentence(bench.endpoint()) == (
        "Specified endpoint [house] has not been created successfully. Please recreate the endpoint."
    )
    assert bench.deployment("blue").status == 400
    bench.rules.delete_endpoint("house", bench.now)
    bench.settle()
    bench.serving("blue", "green")
    bench.rules.fail_next(Kind.ENDPOINT_UPDATE, "InternalServerError", "no")
    bench.endpoint({"green": 100})
    bench.settle()
    assert (_state(bench), bench.weights()) == ("Failed", ({"blue": 100}, {}))
    bench.endpoint({"green": 100})
    bench.settle()
    assert (_state(bench), bench.weights()) == ("Succeeded", ({"green": 100}, {}))


def test_the_weights_of_a_deleted_deployment_vanish() -> None:
    """Zero weights and the mirror go with the deployment."""
    bench = Bench().serving("blue", "green")
    bench.endpoint({"blue": 100, "green": 0}, mirror={"green": 10})
    bench.settle()
    answer = bench.rules.delete_deployment("house", "GREEN", bench.now)
    assert (answer.status, answer.body, _state(bench, "green")) == (202, None, "Deleting")
    bench.settle()
    assert bench.weights() == ({"blue": 100}, {})
    assert bench.rules.delete_deployment("house", "green", bench.now).status == 204


def test_deleting_an_endpoint_takes_all_with_it() -> None:
    """Accepted at 100 % traffic; then 404 for all of it, and 204 for another DELETE."""
    bench = Bench().serving("blue")
    assert bench.rules.delete_endpoint("house", bench.now).status == 202
    bench.settle()
    assert (_state(bench), _state(bench, "blue")) == ("404", "404")
    assert bench.rules.list_endpoints(bench.now).body == {"value": []}
    assert bench.rules.delete_endpoint("house", bench.now).status == 204


def test_names_in_any_case() -> None:
    """Names and weights are found in any case, and shown as they were created."""
    bench = Bench()
    bench.rules.put_endpoint("House", endpoint_body(), bench.now)
    bench.settle()
    bench.rules.put_deployment("HOUSE", "Blue", deployment_body(), bench.now)
    bench.settle()
    bench.rules.put_endpoint("hoUse", endpoint_body({"bLUE": 100}), bench.now)
    bench.settle()
    live = bench.rules.get_endpoint("house", bench.now).body
    assert (live["name"], live["properties"]["traffic"]) == ("House", {"Blue": 100})
    assert bench.rules.get_deployment("house", "BLUE", bench.now).body["name"] == "Blue"


def test_patch_replaces_the_tags_only() -> None:
    """A PATCH is an operation; it replaces all tags and leaves the weights."""
    bench = Bench().serving("blue")
    bench.endpoint({"blue": 100}, tags={"old": "1"})
    bench.settle()
    answer = bench.rules.patch_endpoint("house", {"tags": {"new": "2"}}, bench.now)
    assert (answer.status, answer.body["tags"], _state(bench)) == (202, {"old": "1"}, "Updating")
    bench.settle()
    live = bench.rules.get_endpoint("house", bench.now).body
    assert (live["tags"], bench.weights()) == ({"new": "2"}, ({"blue": 100}, {}))


def test_patch_of_a_deployment_scales_and_tags() -> None:
    """What autoscale does: the count changes, everything else stays."""
    bench = Bench().serving("blue")
    before = bench.rules.get_deployment("house", "blue", bench.now).body
    bench.rules.patch_deployment("house", "blue", {"sku": {"capacity": 3}, "tags": {"a": "b"}}, bench.now)
    bench.settle()
    after = bench.rules.get_deployment("house", "blue", bench.now).body
    assert after["sku"] == before["sku"] | {"capacity": 3}
    assert after["tags"] == {"a": "b"}
    assert after["properties"] | {"properties": {}} == before["properties"] | {"properties": {}}


def test_properties_can_be_added_and_not_removed() -> None:
    """`properties.properties` only grows; what the SDK sends back of it does no harm."""
    bench = Bench().serving("blue")
    inner = endpoint_body({"blue": 100})["properties"]
    bench.endpoint(properties=inner | {"properties": {"team": "a"}})
    bench.settle()
    bench.endpoint(properties=inner | {"properties": {"team": "b", "more": "c"}})
    bench.settle()
    kept = bench.rules.get_endpoint("house", bench.now).body["properties"]["properties"]
    assert {key: kept[key] for key in ("team", "more")} == {"team": "a", "more": "c"}


def test_creation_is_remembered_and_change_is_stamped() -> None:
    """`createdAt` stays, `lastModifiedAt` is the last end."""
    bench = Bench().serving("blue")
    bench.later(1_000)
    bench.endpoint({"blue": 100})
    bench.settle()
    data = bench.rules.get_endpoint("house", bench.now).body["systemData"]
    assert (data["createdAt"], data["lastModifiedAt"]) == ("2026-01-01T00:00:00+00:00", bench.now.isoformat())


def test_keys() -> None:
    """Two different keys; renewing one leaves the other; a given value is taken."""
    bench = Bench().serving("blue")
    first = bench.rules.list_keys("house", bench.now).body
    assert len({first["primaryKey"], first["secondaryKey"]}) == 2
    bench.rules.regenerate_keys("house", {"keyType": "Secondary"}, bench.now)
    bench.settle()
    second = bench.rules.list_keys("house", bench.now).body
    assert second["primaryKey"] == first["primaryKey"]
    assert second["secondaryKey"] != first["secondaryKey"]
    bench.rules.regenerate_keys("house", {"keyType": "Primary", "keyValue": "mine"}, bench.now)
    assert bench.rules.list_keys("house", bench.now).body["primaryKey"] == "mine"


def test_tokens_are_renewed_after_half_their_life() -> None:
    """The same token for twelve hours, then another; the first one stays valid for its day."""
    bench = Bench()
    bench.endpoint(properties={"authMode": "AMLToken"})
    bench.settle()
    first = bench.rules.token("house", bench.now).body
    assert first["expiryTimeUtc"] - first["refreshAfterTimeUtc"] == 12 * 3600
    bench.later(11 * 3600)
    assert bench.rules.token("house", bench.now).body == first
    bench.later(2 * 3600)
    second = bench.rules.token("house", bench.now).body
    assert second["accessToken"] != first["accessToken"]
    tokens = [value for value, _ in bench.rules.world.endpoints["house"].tokens]
    assert tokens == [first["accessToken"], second["accessToken"]]


def test_quota_counts_the_upgrade_reserve() -> None:
    """Ten instances of four cores need 48: with 47 the operation fails, with 48 it succeeds."""
    for cores, state in ((47, "Failed"), (48, "Succeeded")):
        bench = Bench(Settings(cores=cores))
        bench.endpoint()
        bench.settle()
        operation = _operation(bench.deployment("blue", 10))
        bench.settle()
        assert _state(bench, "blue") == state
        code = bench.rules.operation(operation, bench.now).body.get("error", {}).get("code")
        assert code == ("OutOfQuota" if state == "Failed" else None)


def test_a_backend_decides_how_an_operation_ends() -> None:
    """With a backend an operation waits for its report, whatever the clock says."""
    bench = Bench(backend=True)
    bench.endpoint()
    bench.later(1_000)
    bench.rules.tick(bench.now)
    bench.deployment("blue")
    bench.later(10_000)
    assert _state(bench, "blue") == "Updating"
    (job,) = bench.rules.take_jobs()
    assert (job.kind, job.deployment, bench.rules.take_jobs()) == (Kind.DEPLOYMENT_CREATE, "blue", [])
    bench.rules.finish(job.id, ("ResourceNotReady", "it crashed"), bench.now)
    bench.later(10)
    assert _state(bench, "blue") == "Failed"


def test_history_has_every_committed_state() -> None:
    """Each change of state or weights is a snapshot, in order."""
    bench = Bench().serving("blue")
    bench.rules.delete_endpoint("house", bench.now)
    bench.settle()
    seen = [
        (
            shot.endpoint["properties"]["provisioningState"] if shot.endpoint else "Deleted",
            shot.endpoint["properties"]["traffic"] if shot.endpoint else {},
            [doc["properties"]["provisioningState"] for doc in shot.deployments],
        )
        for shot in bench.rules.history
    ]
    assert seen == [
        ("Creating", {}, []),
        ("Succeeded", {}, []),
        ("Succeeded", {}, ["Updating"]),
        ("Succeeded", {}, ["Succeeded"]),
        ("Updating", {}, ["Succeeded"]),
        ("Succeeded", {"blue": 100}, ["Succeeded"]),
        ("Deleting", {"blue": 100}, ["Succeeded"]),
        ("Deleted", {}, []),
    ]


def test_the_same_calls_give_the_same_answers() -> None:
    """The rules are a function of settings, calls and time."""
    first, second = (Bench().serving("blue", "green") for _ in range(2))
    assert first.rules.get_endpoint("house", first.now) == second.rules.get_endpoint("house", second.now)
    assert first.rules.history == second.rules.history


def test_lists_are_paged() -> None:
    """`count` gives a page with the link to the next one; together they are all."""
    bench = Bench()
    for number in range(5):
        bench.rules.put_endpoint(f"house{number}", endpoint_body(), bench.now)
    names, query = [], {"count": "2"}
    while query:
        body = bench.rules.list_endpoints(bench.now, query).body
        names += [doc["name"] for doc in body["value"]]
        link = body.get("nextLink", "").partition("?")[2]
        query = dict(part.split("=") for part in link.split("&")) if link else {}
    assert names == [f"house{number}" for number in range(5)]
