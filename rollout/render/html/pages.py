"""Templates, filled. Every value that is shown was made harmless, and every one is escaped: in one place, here."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rollout.render import harmless, words
from rollout.render.html import view
from rollout.render.story import Story

_HERE: Final = "rollout.render.html"
ASSETS: Final[Mapping[str, str]] = {"style.css": "text/css", "live.js": "text/javascript"}
_LONGEST: Final = 2_000


def _harmless(found: Any) -> Any:
    """What an expression of a template puts out: foreign texts cannot hide anything or turn the line around."""
    return harmless.line(found, _LONGEST) if isinstance(found, str) and not isinstance(found, Markup) else found


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        phase_words=view.PHASE_WORDS, phase_signs=view.PHASE_SIGNS, state_words=view.STATE_WORDS, moment=words.moment
    )
    made.filters["short"] = words.short
    return made


def filled(template: str, **values: Any) -> str:
    """That template with these values."""
    return _environment().get_template(f"{template}.html.j2").render(**values)


def asset(name: str) -> str:
    """The text of one of the `ASSETS`."""
    return resources.files(_HERE).joinpath("static", name).read_text(encoding="utf-8")


def report(story: Story) -> str:
    """One file that needs nothing else: style and charts are in it, and there is no script."""
    style = asset("style.css")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return filled("report", page=view.page(story), style=Markup(style), style_digest=digest)  # noqa: S704 - our own file
