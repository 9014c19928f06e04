"""Registered assets (codes, models, environments, data) and other plain resources of the workspace.

They are kept as sent, in the service's shape; versions of a name are listed newest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from rollout.emulator import paging, shapes
from rollout.emulator.answers import Answer, JsonObject, plain, user_error
from rollout.emulator.settings import Scope
from rollout.emulator.store import Store

ASSETS: Final = "asset"
KINDS: Final = ("codes", "models", "environments", "data", "components")
_SINGULAR: Final = {"codes": "Code", "models": "Model", "environments": "Environment", "data": "Data"}


class Catalog:
    """Documents by path below the workspace, e.g. `models/house/versions/1`; durable before `put` returns."""

    def __init__(self, scope: Scope, store: Store) -> None:
        self._scope = scope
        self._store = store
        self._docs: dict[str, JsonObject] = {key: msgspec.json.decode(raw) for key, raw in store.read(ASSETS)}

    def find(self, path: str) -> JsonObject | None:
        """One document."""
        return self._docs.get(path)

    def by_id(self, arm_id: str) -> JsonObject | None:
        """The asset version that a deployment names, by ARM id or by its short form."""
        short = arm_id.removeprefix("azureml://").removeprefix("azureml:").removeprefix(self._scope.workspace_path)
        path, _, label = short.strip("/").partition("/labels/")
        if path.startswith("registries/"):
            path = path.replace(path.split("/")[1], path.split("/")[1].lower(), 1)
        if not label:
            return self.find(path)
        versions = _newest_first(self._of(f"{path}/versions/"))
        return versions[0] if versions and label == "latest" else None

    def put_version(self, kind: str, name: str, version: str, body: Any, now: datetime) -> Answer:
        """Register or update an asset version."""
        if not isinstance(body, dict) or not isinstance(body.get("properties"), dict):
            raise plain(400, "InvalidRequestContent", "The request content was invalid: 'properties' is required.")
        path = f"{kind}/{name}/versions/{version}"
        before = self._docs.get(path)
        inner = {**_defaults(_type(kind)), **body["properties"], "provisioningState": "Succeeded"}
        doc = {
            "id": self._id(path),
            "name": version,
            "type": f"{_full_type(kind)}/versions",
            "properties": inner,
            "systemData": shapes.system_data(before, now),
        }
        self.keep(path, doc)
        return Answer(200 if before or _type(kind) == "codes" else 201, doc)

    def put_plain(self, path: str, kind: str, body: JsonObject, now: datetime) -> Answer:
        """Keep a resource of the group that has no versions (an autoscale setting, a lock)."""
        before = self._docs.get(path)
        doc = {
            **body,
            "id": f"{self._scope.group_path}/providers/{path}",
            "name": path.rsplit("/", 1)[-1],
            "type": kind,
            "systemData": shapes.system_data(before, now),
        }
        self.keep(path, doc)
        return Answer(200 if before else 201, doc)

    def get_version(self, kind: str, name: str, version: str) -> Answer:
        """One version, or 404."""
        doc = self._docs.get(f"{kind}/{name}/versions/{version}")
        if doc is None:
            raise user_error(
                404,
                "NotFound",
                "{kind} container with name: {name} and version: {version} not found",
                kind=_SINGULAR.get(_type(kind), kind),
                name=name,
                version=version,
            )
        return Answer(200, doc)

    def list_versions(self, kind: str, name: str, query: Mapping[str, str], next_link: paging.NextLink) -> Answer:
        """The versions of a name, newest first. With `hash`, every version of that content, whatever its name."""
        if wanted := query.get("hash"):
            docs = [doc for doc in self._of(f"{kind}/") if _hash(doc) == wanted]
        else:
            docs = self._of(f"{kind}/{name}/versions/")
        docs = [doc for doc in _newest_first(docs) if paging.viewed(doc, query) and _is_version(doc, query)]
        return paging.page(paging.tagged(docs, query), query, next_link)

    def container(self, kind: str, name: str) -> Answer:
        """The asset without its version."""
        versions = self._of(f"{kind}/{name}/versions/")
        if not versions:
            raise user_error(
                404, "NotFound", "{kind} {name} not found", kind=_SINGULAR.get(_type(kind), kind), name=name
            )
        return Answer(200, self._container(kind, name, versions))

    def containers(self, kind: str, query: Mapping[str, str], next_link: paging.NextLink) -> Answer:
        """All names of a kind."""
        depth = kind.count("/") + 1
        names = dict.fromkeys(path.split("/")[depth] for path in self._docs if path.startswith(f"{kind}/"))
        docs = [self._container(kind, name, self._of(f"{kind}/{name}/versions/")) for name in names]
        return paging.page([doc for doc in docs if paging.viewed(doc, query)], query, next_link)

    def plain_one(self, path: str) -> Answer:
        """One unversioned resource. Raises the service's 404."""
        doc = self._docs.get(path)
        if doc is None:
            raise plain(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        return Answer(200, doc)

    def plain_listing(self, prefix: str) -> list[JsonObject]:
        """All unversioned resources below a prefix."""
        return self._of(prefix)

    def remove(self, path: str) -> Answer:
        """Forget a document."""
        if self._docs.pop(path, None) is None:
            return Answer(204)
        self._store.write([(ASSETS, path, None)])
        return Answer(200)

    def keep(self, path: str, doc: JsonObject) -> None:
        """Keep a document as it is."""
        self._docs[path] = doc
        self._store.write([(ASSETS, path, msgspec.json.encode(doc))])

    def _of(self, prefix: str) -> list[JsonObject]:
        return [doc for path, doc in self._docs.items() if path.startswith(prefix)]

    def _id(self, path: str) -> str:
        return f"azureml://{path}" if path.startswith("registries/") else f"{self._scope.workspace_path}/{path}"

    def _container(self, kind: str, name: str, versions: list[JsonObject]) -> JsonObject:
        latest = _newest_first(versions)[0]
        number = latest["name"]
        following = str(int(number) + 1) if number.isdigit() else number
        return {
            "id": self._id(f"{kind}/{name}"),
            "name": name,
            "type": _full_type(kind),
            "properties": {
                "description": None,
                "tags": {},
                "properties": {},
                "isArchived": all(doc["properties"]["isArchived"] for doc in versions),
                "latestVersion": number,
                "nextVersion": following,
            },
            "systemData": latest["systemData"],
        }


def _type(kind: str) -> str:
    """`models` of `models`, and of `registries/NAME/models`."""
    return kind.rpartition("/")[2]


def _full_type(kind: str) -> str:
    where = "registries" if kind.startswith("registries/") else "workspaces"
    return f"Microsoft.MachineLearningServices/{where}/{_type(kind)}"


def _newest_first(docs: list[JsonObject]) -> list[JsonObject]:
    return sorted(docs, key=lambda doc: str(doc["systemData"]["createdAt"]), reverse=True)


def _is_version(doc: JsonObject, query: Mapping[str, str]) -> bool:
    return query.get("version") in (None, "", doc["name"])


def _defaults(kind: str) -> JsonObject:
    """What the service adds to an asset that did not say it."""
    common: JsonObject = {
        "description": None,
        "tags": {},
        "properties": {},
        "isArchived": False,
        "isAnonymous": False,
    }
    if kind == "models":
        return {**common, "flavors": {}, "jobName": None}
    if kind == "environments":
        return {**common, "environmentType": "UserCreated", "osType": "Linux"}
    return common


def _hash(doc: JsonObject) -> str | None:
    found: str | None = (doc["properties"].get("properties") or {}).get("hash_sha256")
    return found
