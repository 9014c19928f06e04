"""`diff` over many plans against bare clients, in one process: `python -m benchmarks.fleet_pass FOLDER TURNS`.

Prints JSON: for each turn the CPU and wall seconds of each; without turns what the results hold in memory, in bytes,
and the CPU seconds of the best of some passes. Bare are: the same requests by aiohttp and json alone, and one by one
(the endpoint, then its deployments) as one writes it by hand. All of them sign in with azure-identity.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from rollout.azure.credentials import AsyncCredential, from_environment
from rollout.azure.paths import API_VERSION
from rollout.cli.looks import Look, looked_at
from rollout.cli.many import chosen
from rollout.cli.options import Output
from rollout.cli.passes import Visit
from rollout.cli.place import Place
from rollout.cli.planned import Planned

PARALLEL: Final = 64
FEWEST_PASSES: Final = 2
MOST_PASSES: Final = 20
PLANS_IN_ALL: Final = 5_000
_LOOK: Final = Look(target="emulator", hazards=frozenset(), detailed=False, lifetime=7200.0)
Used = tuple[float, float]


def ours(plans: Sequence[Planned]) -> list[Visit]:
    """What `rollout diff` does once the plans are read."""
    visits = asyncio.run(looked_at(plans, _LOOK, PARALLEL, (Output("text"),)))
    wrong = [visit.told for visit in visits if visit.told.status != "done"]
    if wrong:
        raise RuntimeError(f"{len(wrong)} plans are not in sync: {wrong[0]}")
    return visits


def by_list(place: Place, names: Sequence[str]) -> Iterator[str]:
    """The requests that we make."""
    paths, version = place.target.paths, f"?api-version={API_VERSION}"
    yield f"{paths.endpoints}{version}"
    yield f"{paths.group}/providers/Microsoft.Insights/autoscalesettings?api-version=2022-10-01"
    yield from (f"{paths.deployments(name)}{version}" for name in names)


def one_by_one(place: Place, names: Sequence[str]) -> Iterator[str]:
    """The requests of who reads each endpoint and its deployments."""
    paths, version = place.target.paths, f"?api-version={API_VERSION}"
    for name in names:
        yield f"{paths.endpoint(name)}{version}"
        yield f"{paths.deployments(name)}{version}"


async def bare(place: Place, addresses: Iterator[str]) -> None:
    """Sign in, get them all, decode each."""
    target = place.target
    source = AsyncCredential(from_environment(target.environment, ca_bundle=target.ca_bundle))
    token = (await source.get_token(target.scopes[0])).token
    context = ssl.create_default_context(cafile=target.ca_bundle)
    connector = aiohttp.TCPConnector(ssl=context, limit=100)

    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {token}"}) as session:

        async def worker() -> None:
            for address in addresses:
                async with session.get(target.arm_url + address) as answer:
                    json.loads(await answer.read())

        await asyncio.gather(*(worker() for _ in range(PARALLEL)))


def used(work: Callable[[], object]) -> Used:
    """CPU and wall seconds; begun without anybody's garbage."""
    gc.collect()  # what the work before it has left is not its own
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu, time.perf_counter() - begun


def held(work: Callable[[], object]) -> tuple[int, object]:
    """By how many bytes the process has grown, while the result is kept."""
    gc.collect()
    before = _resident()
    kept = work()
    gc.collect()
    return _resident() - before, kept


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measured(folder: Path, turns: int) -> dict[str, Any]:
    """The turns; without any only ours, alone."""
    plans = chosen([folder], "emulator", None).mine
    place = plans[0].place
    if place is None:
        raise RuntimeError(str(plans[0].fault))
    names = [one.path.name.split(".")[0] for one in plans]
    variants: dict[str, Callable[[], object]] = {
        "ours": lambda: ours(plans),
        "same": lambda: asyncio.run(bare(place, by_list(place, names))),
        "one_by_one": lambda: asyncio.run(bare(place, one_by_one(place, names))),
    }
    ours(plans[:50])
    if not turns:
        grown, _ = held(lambda: ours(plans))
        again = range(max(FEWEST_PASSES, min(MOST_PASSES, PLANS_IN_ALL // len(plans))))
        cpu = min(used(lambda: ours(plans))[0] for _ in again)
        return {"grown": grown, "cpu": cpu, "passes": 1 + len(again)}
    found = [{name: used(work) for name, work in variants.items()} for _ in range(turns + 1)]
    return {"turns": found[1:]}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]))))
