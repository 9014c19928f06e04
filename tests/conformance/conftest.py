"""The target of the suite, a shared endpoint on it, and the rules for a real workspace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance import real, scoring
from tests.conformance.case import Case, cases_of
from tests.conformance.emulated import emulator
from tests.conformance.house import Fresh, House
from tests.conformance.target import Target

FAST = 20_000.0
"""Seconds of the emulator's time in a real one, where nothing is scored: an operation is two polls long."""
SERVING = 600.0


def pytest_report_header() -> str | None:
    """Say what it costs, before it costs anything."""
    where = real.named()
    return real.WARNING.format(where=where) if where else None


def _case(request: pytest.FixtureRequest) -> Case:
    found = cases_of(request.function)
    if len(found) == 1:
        return found[0]
    return next(each for each in found if each.id == request.node.callspec.id)


@pytest.fixture(autouse=True)
def rules(request: pytest.FixtureRequest) -> None:
    """On a real workspace: no doors, and what nobody has verified is reported instead of failing the run."""
    if not real.named() or not cases_of(request.function):
        return
    about = _case(request)
    if about.needs == "doors":
        pytest.skip("needs the emulator's doors")
    if about.kind == "unverified":
        request.applymarker(pytest.mark.xfail(reason=f"nobody has verified {about.id}", strict=False))


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The workspace for everything but scoring."""
    if where := real.named():
        yield real.workspace(where)
        return
    with emulator(tmp_path_factory.mktemp("conformance"), FAST, "--no-processes") as served:
        yield served


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The workspace for scoring: the emulator's deployments run their script."""
    if where := real.named():
        yield real.workspace(where)
        return
    with emulator(tmp_path_factory.mktemp("serving"), SERVING) as served:
        yield served


@pytest.fixture(scope="session")
def fresh(target: Target) -> Iterator[Fresh]:
    """Endpoints of a case's own."""
    maker = Fresh(target, scoring.uploaded(target) if not target.emulated else {})
    yield maker
    maker.clean_up()


@pytest.fixture(scope="session")
def shared(fresh: Fresh) -> House:
    """An endpoint with blue (100 %) and green (0 %)."""
    return fresh.house("blue", "green")


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """The shared endpoint, for cases that leave it as it was; one that does not is named."""
    yield shared
    if shared.weights() != ({"blue": 100}, {}):
        shared.set({"blue": 100})
        pytest.fail("the case has changed the shared endpoint")


@pytest.fixture
def doors(target: Target) -> Iterator[Target]:
    """The target, with no fault of an earlier case, and none left for a later one."""
    target.door("PUT", "faults", [])
    yield target
    target.door("PUT", "faults", [])
