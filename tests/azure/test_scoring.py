"""Scoring against real processes behind the emulator's router: keys, tokens, headers, no redirects, no secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from rollout.azure.scoring import HttpScoring
from rollout.azure.target import Connection, connect
from rollout.core import actions
from rollout.core.observed import Endpoint, all_to
from rollout.core.progress import Progress
from rollout.core.release import EndpointSpec
from rollout.emulator.server import EmulatorServer, processes
from rollout.emulator.service import Options
from rollout.errors import AzureError, SignInError
from rollout.ports import ScoringRequest
from tests.azure.conftest import QUICK, Bench
from tests.azure.test_deploy import look, order

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SCORE = "import json\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return json.loads(data)\n"
REQUEST = ScoringRequest(body=b'{"x": 1}')


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that answers with what it is asked; the path of its deployment file."""
    home = tmp_path_factory.mktemp("model")
    for name in ("model", "src"):
        (home / name).mkdir()
    (home / "model" / "model.json").write_text("{}")
    (home / "src" / "score.py").write_text(SCORE)
    (home / "conda.yml").write_text("dependencies: [python=3.11]\n")
    return str(home / "deployment.yml")


@pytest.fixture
async def serving(tmp_path: Path, origin: str) -> AsyncIterator[tuple[Bench, Connection, Endpoint]]:
    """An endpoint whose one deployment runs in a real scoring process."""
    options = Options(speed=2000, throttle=False)
    with EmulatorServer(tmp_path / "state", options, processes(tmp_path / "state")) as server:
        bench = Bench(server)
        async with connect(bench.target, pace=QUICK) as connection:
            yield bench, connection, await _blue(connection, origin)


async def _blue(connection: Connection, origin: str, auth_mode: str = "key") -> Endpoint:
    plane = connection.control_plane
    name = f"echo-{auth_mode.replace('_', '-')}"
    progress = Progress(plan="p")
    spec = EndpointSpec(name=name, fields={"auth_mode": auth_mode})
    await plane.apply(actions.CreateEndpoint(reason="x", endpoint=spec, progress=progress), None)
    before = await look(connection, name)
    await plane.apply(order(origin), before)
    split = actions.SetTraffic(
        reason="x", before=before.weights, weights=all_to("blue"), endpoint=None, progress=progress
    )
    await plane.apply(split, before)
    return await look(connection, name)


async def test_requests_are_answered_by_the_model(serving: tuple[Bench, Connection, Endpoint]) -> None:
    """By weight, by header and by key; the key is fetched once and replaced when it is refused."""
    bench, connection, endpoint = serving
    scoring = connection.scoring
    answer = await scoring.send(endpoint, REQUEST)
    assert (answer.status, answer.body, answer.error) == (200, b'{"x": 1}', "")
    assert answer.headers["azureml-model-deployment"] == "blue"
    assert 0 < answer.seconds < 30
    reads = (await bench.served())["reads"]
    direct = await scoring.send(endpoint, msgspec.structs.replace(REQUEST, deployment="blue"))
    assert (direct.status, direct.body) == (200, b'{"x": 1}')
    assert (await bench.served())["reads"] == reads
    path = f"{bench.target.paths.endpoint(endpoint.name)}/regenerateKeys"
    client = connection.control_plane._client
    await client.send("POST", path, "rotate", {"keyType": "Primary"}, kind="writes")
    await connection.control_plane.settle(await look(connection, endpoint.name))
    assert (await scoring.send(endpoint, REQUEST)).status == 200


async def test_a_server_that_is_up_can_be_told_from_none(
    serving: tuple[Bench, Connection, Endpoint],
) -> None:
    """`probe` asks one deployment; a deployment that does not exist is an answer too."""
    _, connection, endpoint = serving
    assert (await connection.scoring.probe(endpoint, "blue")).status in (200, 404)
    wrong = msgspec.structs.replace(REQUEST, deployment="nobody")
    assert (await connection.scoring.send(endpoint, wrong)).status >= 400


async def test_a_refused_signature_is_a_sign_in_error_without_the_key(
    serving: tuple[Bench, Connection, Endpoint],
) -> None:
    """The wrong kind of token: one sentence, and the key is nowhere in it."""
    _, connection, endpoint = serving
    wrong = msgspec.structs.replace(endpoint, auth_mode="aad_token")
    with pytest.raises(SignInError) as caught:
        await connection.scoring.send(wrong, REQUEST)
    assert str(caught.value).startswith(f"{endpoint.name} refuses our aad_token: ")
    key = connection.scoring._keys[endpoint.name].secret
    assert key.reveal() not in str(caught.value)
    assert key.reveal() not in repr(vars(connection.scoring))


@pytest.mark.parametrize("auth_mode", ["aml_token", "aad_token"])
async def test_tokens_sign_too(serving: tuple[Bench, Connection, Endpoint], origin: str, auth_mode: str) -> None:
    """The service's own token, and Entra's."""
    _, connection, _ = serving
    endpoint = await _blue(connection, origin, auth_mode)
    assert (await connection.scoring.send(endpoint, REQUEST)).status == 200


async def test_no_answer_is_an_answer(bench: Bench, connection: Connection) -> None:
    """Nothing listens: status 0 and the reason; a measurement, not an exception."""
    scoring: HttpScoring = connection.scoring
    spec = EndpointSpec(name=bench.name())
    action = actions.CreateEndpoint(reason="x", endpoint=spec, progress=Progress(plan="p"))
    await connection.control_plane.apply(action, None)
    found = await look(connection, spec.name)
    nowhere = msgspec.structs.replace(found, scoring_uri="https://127.0.0.1:9/score")
    answer = await scoring.send(nowhere, REQUEST)
    assert (answer.status, answer.body) == (0, b"")
    assert answer.error.startswith("ClientConnectorError: ")
    plain = msgspec.structs.replace(found, scoring_uri="http://127.0.0.1:9/score")
    with pytest.raises(AzureError, match="has no https address for scoring"):
        await scoring.send(plain, REQUEST)
