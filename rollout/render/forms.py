"""Every form that a document can take, by its name for `--output`. Nothing is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from rollout.render.document import AnyDocument, Document, Failure, Fleet, Reconciliation, Validation
from rollout.render.saved import encode
from rollout.render.styled import Line, plain

SUMMARY_LIMIT: Final = 1_048_576
"""Bytes of a step's summary (1 MiB); GitHub drops a longer one whole."""
Renderer = Callable[[AnyDocument], str]


def rendered(document: AnyDocument, form: str) -> str:
    """The document in that form; raises KeyError for a name that is none."""
    return RENDERERS[form](document)


def lines_of(document: AnyDocument) -> Iterator[Line]:
    """The form `text`, in styled lines."""
    match document:
        case Document():
            from rollout.render.change_text import document_lines

            yield from document_lines(document)
        case Reconciliation(plans=plans):
            from rollout.render.many_text import many_lines

            yield from many_lines(plans)
        case Validation():
            from rollout.render.finding_text import validation_lines

            yield from validation_lines(document)
        case Failure():
            from rollout.render.finding_text import failure_lines

            yield from failure_lines(document)
        case Fleet():
            from rollout.render.fleet_text import fleet_lines

            yield from fleet_lines(document)


def _text(document: AnyDocument) -> str:
    return plain(lines_of(document))


def _markdown(document: AnyDocument) -> str:
    from rollout.render.markdown import markdown

    return markdown(document)


def _summary(document: AnyDocument) -> str:
    from rollout.render.markdown import markdown

    return markdown(document, SUMMARY_LIMIT)


def _annotations(document: AnyDocument) -> str:
    from rollout.render.annotations import github_annotations

    return github_annotations(document)


def _azure_annotations(document: AnyDocument) -> str:
    from rollout.render.azure_commands import azure_annotations

    return azure_annotations(document)


def _azure_output(document: AnyDocument) -> str:
    from rollout.render.azure_commands import azure_output

    return azure_output(document)


def _output(document: AnyDocument) -> str:
    from rollout.render.github_output import outputs

    return outputs(document)


def _sarif(document: AnyDocument) -> str:
    from rollout.render.sarif import sarif

    return sarif(document)


def _junit(document: AnyDocument) -> str:
    from rollout.render.junit import junit

    return junit(document)


def _prometheus(document: AnyDocument) -> str:
    from rollout.render.prometheus import prometheus

    return prometheus(document)


RENDERERS: Final[Mapping[str, Renderer]] = MappingProxyType(
    {
        "text": _text,
        "json": encode,
        "markdown": _markdown,
        "sarif": _sarif,
        "junit": _junit,
        "prometheus": _prometheus,
        "github-annotations": _annotations,
        "github-summary": _summary,
        "github-output": _output,
        "azure-devops-annotations": _azure_annotations,
        "azure-devops-output": _azure_output,
    }
)
