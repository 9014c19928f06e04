"""Resource Manager: usage and quota of the region, and the sizes of virtual machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rollout.emulator import quota
from rollout.emulator.answers import Answer
from rollout.emulator.web_arm import Call, Operation, read


def usages(call: Call) -> Answer:
    """Cores in use and allowed, as the quota check counts them."""
    world = call.service.rules.world
    docs = [one.doc for held in world.endpoints.values() for one in held.deployments.values()]
    limit = world.settings.cores if world.quota_cores is None else world.quota_cores
    kind = "Microsoft.MachineLearningServices/locations/usages"
    entries = [
        ("totalCores", "Total Regional Cores", quota.used(docs), limit),
        ("onlineEndpoints", "Online Endpoints", len(world.endpoints), world.settings.endpoints),
    ]
    value = [
        {
            "id": f"{call.service.scope.operations_path}/usages/{name}",
            "amlWorkspaceLocation": call.service.scope.location,
            "type": kind,
            "unit": "Count",
            "currentValue": used,
            "limit": most,
            "name": {"value": name, "localizedValue": label},
        }
        for name, label, used, most in entries
    ]
    return Answer(200, {"value": value})


def quotas(call: Call) -> Answer:
    """The limits of the usages, in the form of quotas."""
    kind = "Microsoft.MachineLearningServices/locations/quotas"
    entries = [
        {
            "id": each["id"].replace("/usages/", "/quotas/"),
            "type": kind,
            "amlWorkspaceLocation": call.service.scope.location,
            "limit": each["limit"],
            "unit": each["unit"],
            "name": each["name"],
        }
        for each in usages(call).body["value"]
    ]
    return Answer(200, {"value": entries})


def sizes(call: Call) -> Answer:
    """The virtual machine sizes that the examples use, with their cores; any other known form is accepted too."""
    value = [{"name": name, "vCPUs": quota.cores(name), "supportedComputeTypes": ["MIR"]} for name in quota.SIZES]
    return Answer(200, {"value": value})


LOCATION: Final[Mapping[str, Operation]] = {
    "GET usages": read("Usages_List", usages),
    "GET quotas": read("Quotas_List", quotas),
    "GET vmsizes": read("VirtualMachineSizes_List", sizes),
}
"""Operations below the location other than on operations."""
