"""The data plane: who answers, with what status and headers, and what a client is told when nobody does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.conformance import scoring
from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import (
    BATCH_TROUBLE,
    MANAGED_YAML,
    ROLLOUT,
    SAFE,
    SIGNING_IN,
    TROUBLE,
    captured,
    documented,
    recorded,
    seen,
    unverified,
)
from tests.conformance.target import INFERENCE, Target

NOBODY = (
    "No valid deployments to route to. Please check that the endpoint has at least one deployment "
    "with positive weight values or use a deployment specific header to route."
)
TUTORIAL = seen("public tutorial of 2025-08-31 (file id 14352272025)")
BATCH_SCORE = seen("Azure/azureml-assets, batch_score")


@dataclass(slots=True)
class Scored:
    """An endpoint whose deployments answer with their own names."""

    house: House
    maker: Fresh
    uri: str
    key: str

    def ask(self, body: Any = None, deployment: str = "", **headers: str) -> requests.Response:
        """One request with the right key, to a deployment by header if one is named."""
        routed = {"azureml_model_deployment": deployment} if deployment else {}
        return self.house.target.score(self.uri, self.key, body, **routed, **headers)

    def log(self, deployment: str) -> str:
        """The end of a deployment's log."""
        found: str = self.house.target.ask("POST", f"{self.house.at(deployment)}/getLogs", {"tail": 200}).json()[
            "content"
        ]
        return found


@pytest.fixture(scope="module")
def maker(serving: Target) -> Iterator[Fresh]:
    """Endpoints that really answer."""
    made = Fresh(serving, scoring.uploaded(serving))
    yield made
    made.clean_up()


@pytest.fixture(scope="module")
def scored(maker: Fresh) -> Scored:
    """Blue (100 %) and green (0 %)."""
    house = maker.named()
    for name in ("blue", "green"):
        house.deploy(name, environmentVariables={"VERSION": name}, requestSettings={"requestTimeout": "PT1S"})
    house.set({"blue": 100})
    key = house.target.ask("POST", f"{house.path}/listKeys").json()["primaryKey"]
    return Scored(house, maker, house.show()["properties"]["scoringUri"], key)


@case(
    "scoring.ok", "A model's answer comes as it is, with the name of who answered", recorded(9), captured(ROLLOUT, 63)
)
def test_an_answer(scored: Scored) -> None:
    """Status, body, kind, and the front door's own headers."""
    answer = scored.ask()
    assert (answer.status_code, answer.json(), answer.headers["Content-Type"]) == (
        200,
        {"version": "blue"},
        "application/json",
    )
    assert answer.headers["azureml-model-deployment"] == "blue"
    assert answer.headers["Server"] == "azureml-frontdoor"


@table(
    row(
        "scoring.run-time",
        "The inference server says how long the script took",
        recorded(9),
        header="x-ms-run-fn-exec-ms",
    ),
    row("scoring.run-failed", "… and whether it failed", recorded(9), header="x-ms-run-function-failed"),
    row("scoring.request-id", "Every answer has an id", recorded(9), header="x-request-id"),
    row("scoring.server-version", "The inference server says its version", TUTORIAL, header="x-ms-server-version"),
    row("scoring.session", "The session is the deployment", TUTORIAL, header="azureml-model-session"),
)
def test_headers(scored: Scored, given: Given) -> None:
    """Present, and not empty."""
    assert scored.ask().headers.get(given.header)


@case("scoring.no-cors", "No header allows other origins", documented("how-to-deploy-online-endpoints.md: no CORS"))
def test_no_cors(scored: Scored) -> None:
    """A browser cannot call it from another page."""
    assert "access-control-allow-origin" not in scored.ask(origin="https://example.org").headers


@case(
    "scoring.by-header",
    "A header routes to a deployment, also to one without traffic",
    SAFE,
    captured(ROLLOUT, 66),
    seen("microsoft sample of 2025-04-15 (file id 9887688751)"),
)
def test_by_header(scored: Scored) -> None:
    """`azureml-model-deployment`, in any case."""
    for name in ("green", "GREEN"):
        answer = scored.ask(deployment=name)
        assert (answer.json(), answer.headers["azureml-model-deployment"]) == ({"version": "green"}, "green")


@case("scoring.unknown-deployment", "A header that names nothing is 404", unverified("its status and body"))
def test_unknown_deployment(scored: Scored) -> None:
    """In the words for no valid deployment."""
    answer = scored.ask(deployment="grey")
    assert (answer.status_code, answer.text) == (404, NOBODY)


@case(
    "scoring.no-traffic",
    "Without any weight, a request without header is 404",
    BATCH_TROUBLE,
    seen("public file ids 55695609504, 55172135124, 71060938053"),
)
def test_no_traffic(scored: Scored) -> None:
    """The deployments still answer by header."""
    scored.house.set({"blue": 0})
    answer, routed = scored.ask(), scored.ask(deployment="blue")
    scored.house.set({"blue": 100})
    assert (answer.status_code, answer.text, routed.status_code) == (404, NOBODY, 200)


@table(
    row(
        "scoring.wrong-key",
        "A wrong key is 401, in plain text",
        seen("MicrosoftDocs/azure-docs#98265"),
        TROUBLE,
        authorization="Bearer wrong",
        text="key_auth_access_denied",
    ),
    row(
        "scoring.no-bearer",
        "A header of another form is 401, in plain text",
        seen("public file id 22064920534"),
        unverified("its status"),
        authorization="nonsense",
        text="key_auth_bad_header_forbidden",
    ),
    row(
        "scoring.empty-key",
        "A key is not empty",
        unverified("its status and body"),
        authorization="Bearer",
        text="key_auth_bad_header_forbidden",
    ),
)
def test_not_let_in(scored: Scored, given: Given) -> None:
    """The model is not asked."""
    answer = scored.ask({"mark": "unseen"}, authorization=given.authorization)
    assert (answer.status_code, answer.text) == (401, given.text)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "azureml-model-deployment" not in answer.headers


@case("scoring.new-key", "A key that was replaced lets nobody in; the new one does", SIGNING_IN)
def test_replaced_key(scored: Scored) -> None:
    """At once, in the emulator."""
    house = scored.house
    begun = house.target.ask("POST", f"{house.path}/regenerateKeys", {"keyType": "Secondary"})
    house.target.end_of(begun)
    second = house.target.ask("POST", f"{house.path}/listKeys").json()["secondaryKey"]
    assert house.target.score(scored.uri, second).status_code == 200
    house.target.end_of(house.target.ask("POST", f"{house.path}/regenerateKeys", {"keyType": "Secondary"}))
    assert house.target.score(scored.uri, second).status_code == 401


@case(
    "scoring.model-error",
    "An exception in the script is 424, with the model's own status in a header",
    TROUBLE,
    BATCH_SCORE,
)
def test_failing_model(scored: Scored) -> None:
    """The reason is `model_error`."""
    answer = scored.ask({"fail": True})
    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-statuscode"] == "500"
    assert answer.headers["ms-azureml-model-error-reason"] == "model_error"
    assert answer.headers["azureml-model-deployment"] == "blue"


@case("scoring.timeout", "A model that takes longer than its request timeout is 408", TROUBLE, MANAGED_YAML)
def test_slow_model(scored: Scored) -> None:
    """`requestTimeout` PT1S, and a script that takes longer."""
    began = time.monotonic()
    assert scored.ask({"sleep": 1.6}).status_code == 408
    assert time.monotonic() - began < 1.6 or not scored.house.target.emulated


@case(
    "scoring.too-many",
    "More requests in parallel than twice the concurrency of all instances are 429",
    TROUBLE,
    BATCH_SCORE,
)
def test_too_many(scored: Scored) -> None:
    """One instance, one at a time: of six at once, four are too many."""
    scored.ask()
    statuses: Counter[int] = Counter()
    reasons = set()

    def one() -> None:
        answer = scored.ask({"sleep": 0.4})
        statuses[answer.status_code] += 1
        if answer.status_code == 429:
            reasons.add(answer.headers.get("ms-azureml-model-error-reason"))

    crowd = [threading.Thread(target=one) for _ in range(6)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert statuses[429] >= 1
    assert set(statuses) <= {200, 408, 429}
    assert reasons == {"too_many_pending_request"}


@case("scoring.not-starting", "A script that cannot start fails its deployment with ResourceNotReady", TROUBLE)
def test_broken_script(scored: Scored) -> None:
    """The log says why."""
    house = scored.maker.named()
    end = house.target.end_of(house.begin("blue", environmentVariables={"FAIL_INIT": "1"}))
    assert (end["status"], end["error"]["code"]) == ("Failed", "ResourceNotReady")
    log = house.target.ask("POST", f"{house.at('blue')}/getLogs", {"tail": 300}).json()["content"]
    assert "this model cannot be loaded" in log


@case("scoring.split", "Traffic is split by the weights", SAFE)
def test_split(scored: Scored) -> None:
    """At 50/50, of 60 requests each deployment gets between 12 and 48 (all but once in a million times)."""
    scored.house.set({"blue": 50, "green": 50})
    answered = Counter(scored.ask().headers["azureml-model-deployment"] for _ in range(60))
    scored.house.set({"blue": 100})
    assert set(answered) == {"blue", "green"}
    assert 12 <= answered["green"] <= 48


@case("scoring.mirror", "Mirrored requests reach the deployment, and the client hears of the live one alone", SAFE)
def test_mirrored_requests(scored: Scored) -> None:
    """At 50 %, of 20 marked requests some are in the mirror's log."""
    scored.house.set({"blue": 100}, {"green": 50})
    answers = [scored.ask({"mark": "mirrored-one"}) for _ in range(20)]
    assert {answer.headers["azureml-model-deployment"] for answer in answers} == {"blue"}
    assert _until(lambda: "asked mirrored-one" in scored.log("green"))
    scored.house.set({"blue": 100})


@case("scoring.mirror-header", "Requests routed by header are not mirrored", SAFE)
def test_routed_requests_are_not_mirrored(scored: Scored) -> None:
    """At 50 %, of 20 none arrives."""
    scored.house.set({"blue": 100}, {"green": 50})
    for _ in range(20):
        assert scored.ask({"mark": "routed-one"}, deployment="blue").status_code == 200
    assert _until(lambda: "asked routed-one" in scored.log("blue"))
    scored.house.set({"blue": 100})
    assert "asked routed-one" not in scored.log("green")


def _until(seen_it: Any) -> bool:
    """Logs may come late."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if seen_it():
            return True
        time.sleep(0.2)
    return False


@case("scoring.failing-mirror", "A mirror that fails does not touch the live answers", SAFE)
def test_failing_mirror(scored: Scored) -> None:
    """The responses of a mirror are thrown away."""
    house = scored.house
    settings = {"requestTimeout": "PT1S"}
    house.deploy("green", environmentVariables={"FAIL_RUN": "1"}, requestSettings=settings)
    house.set({"blue": 100}, {"green": 50})
    statuses = {scored.ask({"mark": "failing-one"}).status_code for _ in range(20)}
    assert _until(lambda: "asked failing-one" in scored.log("green"))
    house.set({"blue": 100})
    house.deploy("green", environmentVariables={"VERSION": "green"}, requestSettings=settings)
    assert statuses == {200}


@case(
    "scoring.old-until-done",
    "An update in place answers throughout",
    documented("how-to-deploy-online-endpoints.md @d592d419"),
)
def test_update_in_place(scored: Scored) -> None:
    """The old version, then the new one, never an error."""
    house = scored.house
    begun = house.begin(
        "green", environmentVariables={"VERSION": "green-2"}, requestSettings={"requestTimeout": "PT1S"}
    )
    statuses = set()
    while house.show("green")["properties"]["provisioningState"] != "Succeeded":
        statuses.add(scored.ask(deployment="green").status_code)
    house.target.end_of(begun)
    assert statuses <= {200}
    assert scored.ask(deployment="green").json() == {"version": "green-2"}
    house.deploy("green", environmentVariables={"VERSION": "green"}, requestSettings={"requestTimeout": "PT1S"})


@case("scoring.swagger", "Its description is beside the scoring address", recorded(5))
def test_swagger(scored: Scored) -> None:
    """Answered, or 404 where the script has none; never 424."""
    uri = scored.uri.removesuffix("/score") + "/swagger.json"
    answer = requests.get(
        uri, headers={"Authorization": f"Bearer {scored.key}"}, verify=scored.house.target.verify, timeout=30
    )
    assert answer.status_code in (200, 404)


@table(
    row("scoring.token", "An endpoint with tokens takes its token", recorded(8, 9), SIGNING_IN, mode="AMLToken"),
    row(
        "scoring.entra",
        "An endpoint with Entra takes an Entra token for inference",
        SIGNING_IN,
        captured("aadep, variants flow"),
        mode="AADToken",
    ),
)
def test_tokens(scored: Scored, given: Given) -> None:
    """And nothing else."""
    house = scored.maker.named(authMode=given.mode)
    house.deploy("blue")
    house.set({"blue": 100}, authMode=given.mode)
    target, uri = house.target, house.show()["properties"]["scoringUri"]
    if given.mode == "AMLToken":
        token = target.ask("POST", f"{house.path}/token").json()["accessToken"]
    else:
        token = target.token(INFERENCE)
    assert target.score(uri, token).status_code == 200
    assert target.score(uri, "wrong").status_code == 401
    assert target.score(uri, scored.key).status_code == 401
