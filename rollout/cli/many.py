"""What `reconcile` and `diff` over many plans share: which plans, how many at a time, and who hears of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from rollout.cli import exits
from rollout.cli.approving import Saved
from rollout.cli.collecting import collecting_seldom
from rollout.cli.options import Output
from rollout.cli.passes import Visit
from rollout.cli.planned import Planned, Reader, each, in_shard, one_for_each
from rollout.cli.printing import publish, put
from rollout.cli.progress import progress
from rollout.cli.session import Doors
from rollout.core.shards import Shard
from rollout.errors import UsageError
from rollout.plan.load import find_plans
from rollout.render.document import Pass, Reconciliation
from rollout.render.saved import to_line

JSON_LINES: Final = "jsonl"
_WORST_FIRST: Final = (
    exits.ERROR,
    exits.SIGN_IN,
    exits.INVALID,
    exits.GATE_FAILED,
    exits.REFUSED,
    exits.STALE,
    exits.LOCKED,
    exits.STOPPED,
    exits.CHANGES,
    exits.WAITING,
    exits.OK,
)


class Chosen(msgspec.Struct, frozen=True):
    """All plans that were found, and those of this shard."""

    found: Sequence[Planned]
    mine: Sequence[Planned]


def chosen(
    paths: Iterable[Path],
    target: str | None,
    shard: Shard | None,
    expected: Mapping[Path, Saved] | None = None,
    fleets: Sequence[Path] = (),
) -> Chosen:
    """The plans among files and folders, read, without the `fleets` that were found there. Raises UsageError where
    there is nothing at all."""
    given = list(paths)
    reader = Reader(target, expected or {})
    found = list(one_for_each([reader.read(path) for path in find_plans(given) if path not in fleets]))
    if not (found or fleets):
        raise UsageError(f"no plan in {', '.join(map(str, given))}", hint="a plan has `version:` and `stages:`")
    return Chosen(found, in_shard(found, shard))


async def over(
    plans: Sequence[Planned],
    work: Callable[[Planned], Awaitable[Visit]],
    doors: Doors,
    *,
    title: str,
    parallel: int,
    outputs: Sequence[Output],
) -> list[Visit]:
    """Do the work for every plan, and tell of each as soon as it is done: on the terminal, and as JSON lines."""
    for one in plans:
        if one.loaded is not None and one.place is not None:
            doors.expect(one.place, one.loaded.release.endpoint.name)
    whole = any(output.form not in ("text", JSON_LINES) for output in outputs)
    with ExitStack() as stack:
        stack.enter_context(collecting_seldom())
        tell = stack.enter_context(progress(title, len(plans)))
        write = stack.enter_context(_json_lines(outputs))

        def hear(visit: Visit) -> None:
            write(visit.told)
            tell(visit.told)

        async def lean(planned: Planned) -> Visit:
            visit = await work(planned)
            hear(visit)
            if whole or visit.told.change_set is None:
                return visit
            return msgspec.structs.replace(visit, told=msgspec.structs.replace(visit.told, change_set=None))

        return await each(plans, lean, parallel=parallel)


def worst(codes: Iterable[int]) -> int:
    """The exit code that tells most about what a person must do."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), exits.OK)


def forms(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Those that show the result as a whole, at the end: text, unless something else was asked for."""
    others = tuple(output for output in outputs if output.form != JSON_LINES)
    return others or (() if any(output.path is None for output in outputs) else (Output("text"),))


def tell(document: Reconciliation, outputs: Sequence[Output]) -> None:
    """The result as a whole, in all its forms."""
    if shown := forms(outputs):
        publish(document, shown)


def write_lines(passes: Iterable[Pass], outputs: Sequence[Output]) -> None:
    """Further passes, behind those that were written as JSON lines."""
    wanted = [output for output in outputs if output.form == JSON_LINES]
    for told in passes:
        for output in wanted:
            put(to_line(told), output, more=True)


@contextmanager
def _json_lines(outputs: Sequence[Output]) -> Iterator[Callable[[Pass], None]]:
    """A writer to all places that want JSON lines; files begin empty."""
    wanted = [output for output in outputs if output.form == JSON_LINES]
    for output in wanted:
        if output.path is not None:
            put("", output)

    yield lambda told: write_lines((told,), wanted)
