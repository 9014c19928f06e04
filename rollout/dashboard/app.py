"""The pages: every answer is whole HTML, made on the server. Nothing here decides anything about a rollout."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qs, quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from rollout.dashboard.board import Board, Listener
from rollout.dashboard.guard import Guard, Keys, is_ours
from rollout.dashboard.office import BY_NAME, FLEET_COMMANDS, Command, Office, Preview, fleet_key, fleet_of
from rollout.dashboard.query import fleets_of, member_query, members_of, part_of, query_of
from rollout.dashboard.watching import Pace, Shared, Watch
from rollout.errors import Refused, RolloutError, Stale
from rollout.render.html import pages
from rollout.render.html.fleets import fleet_item
from rollout.render.html.rows import PHASES, SORTS, counts
from rollout.render.html.view import page
from rollout.render.html.wave_picture import picture

FIRST_LOOK: Final = 3.0
"""Seconds that the first page waits for the first census."""
BEAT: Final = 15.0
"""Seconds between two signs of life to a page that listens."""
MOST_BYTES: Final = 16_384
MOST_REASON: Final = 200
_GONE: Final = "There is no such endpoint here."


class Dashboard:
    """One server's pages over one office."""

    def __init__(self, office: Office, keys: Keys, *, read_only: bool = False, pace: Pace | None = None) -> None:
        pace = pace or Pace()
        self._office = office
        self._keys = keys
        self._read_only = read_only
        self.board = Board()
        self.watch = Watch(self.board, office, pace)
        self._shared = Shared(office, pace.every * 0.8)

    def app(self, port: int) -> ASGIApp:
        """The application, guarded."""
        routes = [
            Route("/", self._overview),
            Route("/events", self._events),
            Route("/static/{name}", _static),
            Route("/rollouts/{workspace}/{endpoint}", self._rollout),
            Route("/fleets/{fleet}", self._fleet),
            Route("/fleets/{fleet}/{command}", self._confirm, methods=["GET"]),
            Route("/fleets/{fleet}/{command}", self._act, methods=["POST"]),
            Route("/rollouts/{workspace}/{endpoint}/{command}", self._confirm, methods=["GET"]),
            Route("/rollouts/{workspace}/{endpoint}/{command}", self._act, methods=["POST"]),
        ]
        return Guard(Starlette(routes=routes, exception_handlers={RolloutError: self._fault}), self._keys, port)

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = pages.filled(template, read_only=self._read_only, who=self._office.who, **values)
        return HTMLResponse(html, status)

    def _message(self, title: str, text: str, hint: str = "", status: int = 404, key: str = "") -> Response:
        return self._page("message", status, title=title, text=text, hint=hint, key=key)

    def _fault(self, request: Request, error: Exception) -> Response:
        hint = error.hint if isinstance(error, RolloutError) else ""
        return self._message("That did not work", str(error), hint, 502, key=_key(request))

    async def _looked(self) -> None:
        """Somebody asks: wait a moment for what is not known yet."""
        self.watch.asked()
        if not self.board.ready.is_set():
            with_patience = asyncio.wait_for(self.board.ready.wait(), FIRST_LOOK)
            await asyncio.gather(with_patience, return_exceptions=True)

    async def _overview(self, request: Request) -> Response:
        await self._looked()
        rows = self.board.rows
        part = part_of(rows, query_of(request.query_params))
        return self._page(
            "overview",
            fleets=fleets_of(self.board.groups.values(), part.query.text),
            query=part.query,
            rows=part.rows,
            total=part.total,
            pages=part.pages,
            whole=len(rows),
            counts=counts(rows),
            phases=PHASES,
            sorts=SORTS,
            problem=self.board.problem,
        )

    async def _rollout(self, request: Request) -> Response:
        self.watch.asked()
        key = _key(request)
        sight = await self._shared.sight(key)
        if sight.story is None:
            return self._page("endpoint", row=sight.row, home=_home(request), key=key, commands=sight.offers)
        return self._page(
            "rollout",
            page=page(sight.story),
            row=sight.row,
            home=_home(request),
            key=key,
            commands=sight.offers,
        )

    async def _fleet(self, request: Request) -> Response:
        await self._looked()
        group = self.board.groups.get(request.path_params["fleet"])
        if group is None:
            return self._message("Not here", "There is no such fleet here.", key=_key(request))
        item = fleet_item(group)
        part = members_of(item.members, member_query(group.key, request.query_params))
        return self._page(
            "fleet",
            fleet=item,
            picture=picture(item.waves),
            part=part,
            home=_home(request),
            key=_key(request),
            commands=self._office.fleet_offers(group) if group.told is not None else (),
        )

    async def _confirm(self, request: Request) -> Response:
        command = _command(request)
        if command is None or self._read_only:
            return self._message("Not here", "This dashboard is read only." if self._read_only else _GONE)
        try:
            preview = await self._office.preview(_key(request), command.name, "")
        except Refused as error:
            return self._asking(request, command, None, refused=str(error), hint=error.hint, status=409)
        return self._asking(request, command, preview)

    def _asking(
        self,
        request: Request,
        command: Command,
        preview: Preview | None,
        *,
        refused: str = "",
        hint: str = "",
        problem: str = "",
        why: str = "",
        status: int = 200,
    ) -> Response:
        return self._page(
            "confirm",
            status,
            command=command,
            home=_home(request),
            name=request.path_params.get("endpoint") or request.path_params["fleet"],
            effects=preview.effects if preview else (),
            seen=preview.digest if preview else "",
            token=self._keys.token,
            refused=refused,
            hint=hint,
            problem=problem,
            why=why,
        )

    async def _act(self, request: Request) -> Response:
        if self._read_only:
            return self._message("Not here", "This dashboard is read only.", status=403)
        form = await _form(request)
        command = _command(request)
        if command is None or not is_ours(request, form.get("token", ""), self._keys):
            return self._message(
                "Not from here", "This request did not come from a page of this dashboard.", status=403
            )
        key, why = _key(request), form.get("why", "").strip()[:MOST_REASON]
        if not why:
            return await self._again(request, command, why, "A reason is needed: it goes on record.", 400)
        try:
            await self._office.act(key, command.name, why, form.get("seen", "") if command.exact else "")
        except Stale as error:
            return await self._again(request, command, why, f"{error}. Look at it again.", 409)
        except Refused as error:
            return self._asking(request, command, None, refused=str(error), hint=error.hint, status=409)
        for one in (key, *self.board.members(fleet_of(key))):
            self._shared.forget(one)
            self.board.moved(one)
            self.board.tell(one)
        return RedirectResponse(_home(request), 303)

    async def _again(self, request: Request, command: Command, why: str, problem: str, status: int) -> Response:
        """The question once more, with what was wrong."""
        preview = await self._office.preview(_key(request), command.name, why)
        return self._asking(request, command, preview, problem=problem, why=why, status=status)

    async def _events(self, request: Request) -> Response:
        if self.board.full:
            return PlainTextResponse("Too many pages listen.\n", 503)
        self.watch.asked()
        return StreamingResponse(self._news(request.query_params.get("key", "")), media_type="text/event-stream")

    async def _news(self, key: str) -> AsyncIterator[str]:
        """One event for every change, and a sign of life now and then. What a page shows it fetches by itself."""
        with self.board.listening(key) as listener:
            yield "retry: 2000\n\n"
            while not self.board.closed:
                yield await _next(listener)


async def _next(listener: Listener) -> str:
    try:
        await asyncio.wait_for(listener.news.wait(), BEAT)
    except TimeoutError:
        return ": still here\n\n"
    listener.news.clear()
    return "event: changed\ndata: {}\n\n"


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    kind = pages.ASSETS.get(name)
    return PlainTextResponse("", 404) if kind is None else Response(pages.asset(name), media_type=kind)


def _key(request: Request) -> str:
    """What a page is about, as the office and the listeners know it."""
    if fleet := request.path_params.get("fleet", ""):
        return fleet_key(fleet)
    return f"{request.path_params.get('workspace', '')}/{request.path_params.get('endpoint', '')}"


def _home(request: Request) -> str:
    """The address of that page."""
    found = request.path_params
    parts = ("fleets", found["fleet"]) if "fleet" in found else ("rollouts", found["workspace"], found["endpoint"])
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _command(request: Request) -> Command | None:
    known = FLEET_COMMANDS if "fleet" in request.path_params else BY_NAME
    return known.get(request.path_params["command"])


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, each once. A body that is too long has none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return {}
    return {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
