"""Cores by size, the 20 % for upgrades, the peak of a way, and what is short."""

from __future__ import annotations

import msgspec
import pytest

from rollout.core.actions import Action, CreateEndpoint, DeleteDeployment, DeployRevision, ScaleDeployment
from rollout.core.capacity import UNPROVEN, Need, Usage, cores_of, families_of, line, need, prove, reserved, shortage
from rollout.core.observed import Deployment, Endpoint
from rollout.core.progress import Progress
from rollout.core.release import DeploymentSpec, EndpointSpec
from rollout.errors import Refused

DS3 = "Standard_DS3_v2"


def live(**counts: int) -> Endpoint:
    """An endpoint with those deployments of four cores an instance."""
    found = [Deployment(name=name, state="Succeeded", count=n, instance_type=DS3) for name, n in counts.items()]
    return Endpoint(name="house", deployments=tuple(found))


def deploy(name: str, count: int = 1, size: str = DS3, **fields: str) -> Action:
    """A create."""
    spec = DeploymentSpec(revision="r", instance_type=size, fields=fields)
    return DeployRevision(reason="", deployment=name, spec=spec, count=count, born="", mode="create")


@pytest.mark.parametrize(
    ("size", "cores", "family"),
    [
        ("Standard_DS3_v2", 4, "standarddsv2family"),
        ("Standard_DS14_v2", 16, "standarddsv2family"),
        ("Standard_D4s_v3", 4, "standarddsv3family"),
        ("Standard_F16s_v2", 16, "standardfsv2family"),
        ("Standard_NC24ads_A100_v4", 24, "standardncadsa100v4family"),
        ("Standard_ND40rs_v2", 40, "standardndrsv2family"),
        ("Standard_NC4as_T4_v3", 4, "standardncasv3t4family"),
        ("Standard_D3", 4, "standarddfamily"),
        ("Standard_DS4", 8, "standarddsfamily"),
        ("Standard_D4_v3", 4, "standarddv3family"),
        ("Standard_D4s", 4, "standarddsfamily"),
        ("Standard_F4", 4, "standardffamily"),
        ("Standard_X4_new_kind_v2", 4, "standardxnewkindv2family"),
        ("Standard_F0", None, "standardffamily"),
        ("defaultinstancetype", None, ""),
        ("", None, ""),
    ],
)
def test_sizes(size: str, cores: int | None, family: str) -> None:
    """The old D sizes count sizes, later names have the cores in them."""
    assert cores_of(size) == cores
    assert (family in families_of(size)) is bool(family)


@pytest.mark.parametrize(
    ("size", "count", "kept"),
    [(DS3, 10, 12), (DS3, 1, 2), (DS3, 5, 6), ("Standard_NC24ads_A100_v4", 10, 10), ("Standard_ND96isr_H100_v5", 2, 2)],
)
def test_the_reservation(size: str, count: int, kept: int) -> None:
    """20 % more instances, rounded up; the documented exceptions have none."""
    assert reserved(size, count) == kept


def test_both_sets_are_there_at_once() -> None:
    """What counts is the peak: green is created and scaled while blue serves; the delete comes too late."""
    way = (deploy("green"), ScaleDeployment(reason="", deployment="green", before=1, count=10))
    wanted = need((*way, DeleteDeployment(reason="", deployment="blue")), live(blue=10))
    assert (wanted.cores, wanted.deployments) == (((DS3.lower(), 48),), 2)
    assert wanted.words == (
        "green 1 × Standard_DS3_v2 (20 % for upgrades: 2) × 4 cores = 8",
        "green 10 × Standard_DS3_v2 (20 % for upgrades: 12) × 4 cores = 48",
    )


def test_quotas_of_accelerators_have_two_names() -> None:
    """The accelerator stands before the version, or behind it."""
    assert families_of("Standard_NC4as_T4_v3") == {"standardncast4v3family", "standardncasv3t4family"}
    assert families_of("Standard_F4") == {"standardffamily"}
    assert families_of("Standard_X4_new_kind_v2") == {"standardxnewkindv2family", "standardxv2newkindfamily"}


def test_each_deployment_has_its_sum() -> None:
    """Both are told; a size without the reservation needs no more than it runs; one core more is one core."""
    gpu = "Standard_NC24ads_A100_v4"
    wanted = need((deploy("blue"), deploy("green", size=gpu)), None)
    assert wanted.words == (
        "blue 1 × Standard_DS3_v2 (20 % for upgrades: 2) × 4 cores = 8",
        "green 1 × Standard_NC24ads_A100_v4 × 24 cores = 24",
    )
    small = Deployment(name="blue", state="Succeeded", count=1, instance_type="Standard_F1s")
    up = ScaleDeployment(reason="", deployment="blue", before=1, count=2)
    assert need((up,), Endpoint(name="house", deployments=(small,))).cores == (("standard_f1s", 1),)


def test_what_takes_nothing() -> None:
    """As many as there are, and instances of what is not there."""
    same = ScaleDeployment(reason="", deployment="blue", before=3, count=3)
    gone = ScaleDeployment(reason="", deployment="red", before=1, count=9)
    assert not need((same, gone), live(blue=3))
    assert (bool(Need()), bool(Need(words=("x",))), bool(Need(faults=("x",)))) == (False, True, True)


def test_a_delete_before_makes_room() -> None:
    """Replaced in its slot: nothing more is needed."""
    way = (DeleteDeployment(reason="", deployment="green"), deploy("green"))
    assert need(way, live(blue=1, green=1)).cores == ()


def test_nothing_to_create_needs_nothing() -> None:
    """Scaling down, and ways without creates."""
    down = ScaleDeployment(reason="", deployment="blue", before=3, count=1)
    assert not need((down, DeleteDeployment(reason="", deployment="green")), live(blue=3, green=1))
    assert not need((), None)


def test_what_is_short() -> None:
    """The sum for the region and for the family; below zero means no limit."""
    wanted = need((deploy("green", 10),), live(blue=10))
    usages = [
        Usage("totalCores", 460, 500),
        Usage("standardDSv2Family", 90, 100),
        Usage("Standard DSv2 Family Cluster Dedicated vCPUs", 80, 120),
        Usage("Total Cluster Dedicated Regional vCPUs", 100, 140),
        Usage("standardNDFamily", 9, 9),
        Usage("TotalDedicatedCores", 9999, -1),
    ]
    words = "green 10 × Standard_DS3_v2 (20 % for upgrades: 12) × 4 cores = 48"
    assert shortage(wanted, usages) == (
        f"totalCores: 48 cores more are needed, 40 of 500 are free ({words})",
        f"standardDSv2Family: 48 cores more are needed, 10 of 100 are free ({words})",
        f"Standard DSv2 Family Cluster Dedicated vCPUs: 48 cores more are needed, 40 of 120 are free ({words})",
        f"Total Cluster Dedicated Regional vCPUs: 48 cores more are needed, 40 of 140 are free ({words})",
    )
    assert line(wanted, usages) == f"capacity: {words}: 48 cores more; 460 of 500 are in use"
    assert line(wanted, []) == f"capacity: {words}: 48 cores more; no core quota is listed"
    with pytest.raises(Refused) as refused:
        prove(wanted, usages[:2], frozenset())
    assert str(refused.value) == (
        f"capacity: totalCores: 48 cores more are needed, 40 of 500 are free ({words}); "
        f"standardDSv2Family: 48 cores more are needed, 10 of 100 are free ({words})"
    )
    assert refused.value.hint == (
        "ask for quota, use fewer or smaller instances, or delete what is not needed;"
        " --allow-hazard quota-risk tries it all the same"
    )
    prove(wanted, usages, frozenset({UNPROVEN}))
    prove(wanted, [Usage("totalCores", 452, 500)], frozenset())


def test_a_quota_at_its_end() -> None:
    """Nothing is allowed, or more is used than allowed; what is not asked for is not told, however short it is."""
    wanted = need((deploy("green"), deploy("red")), None)
    words = "; ".join(f"{name} 1 × Standard_DS3_v2 (20 % for upgrades: 2) × 4 cores = 8" for name in ("green", "red"))
    usages = [Usage("totalCores", 0, 0), Usage("standardDSv2Family", 7, 5), Usage("standardNDFamily", 10, 9)]
    assert shortage(wanted, usages) == (
        f"totalCores: 16 cores more are needed, 0 of 0 are free ({words})",
        f"standardDSv2Family: 16 cores more are needed, 0 of 5 are free ({words})",
    )
    assert line(wanted, usages) == f"capacity: {words}: 16 cores more; 0 of 0 are in use"
    assert line(wanted, [Usage("totalCores", 7, -1)]) == f"capacity: {words}: 16 cores more; no core quota is listed"


def test_what_no_quota_helps_with() -> None:
    """Unknown sizes, too many instances, bad names, too many deployments; each is said."""
    crowd = live(**{f"d{number:02}": 1 for number in range(20)})
    wanted = need((deploy("no_name", 51, "Standard_Odd"),), crowd)
    assert wanted.faults == (
        "no_name is no name for a deployment: 3 to 32 letters, digits, dashes",
        "no_name: a deployment has at most 50 instances, not 51",
        "no_name: the size Standard_Odd is not known, so its cores cannot be counted",
        "an endpoint has at most 20 deployments, there would be 21",
    )
    assert wanted.cores == ()
    few = live(**{f"d{number:02}": 1 for number in range(19)})
    assert need((deploy("green", 50, "Standard_F2"),), few).faults == ()


def test_names_that_are_none() -> None:
    """Of an endpoint and of a deployment, both told; what is there already has its name. No size is said to be none."""
    end = ": 3 to 32 letters, digits, dashes"
    create = CreateEndpoint(reason="", endpoint=EndpointSpec(name="_"), progress=Progress(plan="plan"))
    assert need((create,), None) == Need(faults=(f"_ is no name for an endpoint{end}",))
    assert need((create, deploy("1a", size="")), None).faults == (
        f"_ is no name for an endpoint{end}",
        f"1a is no name for a deployment{end}",
        "1a: the size (none) is not known, so its cores cannot be counted",
    )
    assert need((deploy("no_name"),), live(no_name=1)).faults == ()
    assert len(need((deploy("1a"), create), None).faults) == 2


def test_kubernetes_sizes_are_the_clusters_own() -> None:
    """No cores of ours."""
    assert not need((deploy("green", size="small", type="kubernetes"),), live(blue=1))


def test_more_instances_on_a_cluster() -> None:
    """Scaling on Kubernetes asks for no cores of the region, either."""
    there = msgspec.structs.replace(live(blue=1), fields={"compute": "azureml:aks"})
    assert not need((deploy("green"),), there)
    cluster = EndpointSpec(name="house", fields={"compute": "azureml:aks"})
    create = CreateEndpoint(reason="", endpoint=cluster, progress=Progress(plan="plan"))
    assert not need((create, deploy("green")), None)
    assert not need((ScaleDeployment(reason="", deployment="blue", before=1, count=3),), there)
