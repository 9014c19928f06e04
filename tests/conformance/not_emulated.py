"""What the emulator leaves out, and why: the part of docs/emulator.md that keeps it honest."""

from __future__ import annotations

from typing import Final

NOT_EMULATED: Final[tuple[tuple[str, str], ...]] = (
    (
        "Building environments from images and conda files",
        "they are kept; scripts run in the interpreter of `--python`",
    ),
    (
        "Running MLflow, Triton and custom containers",
        "no container engine is asked for; a stub answers, labelled `x-emulator-stub`",
    ),
    ("Assets of public registries", "a deployment may name them, and they are taken to exist; looking them up is 404"),
    ("Other workspaces", "there is one: an endpoint's name is taken by somebody else only as a fault on demand"),
    (
        "Roles at other scopes and for scoring, linked access checks",
        "a principal's roles count everywhere; what a body names is not looked at; every good Entra token may score",
    ),
    (
        "Metrics of instances (CPU, memory, disk, capacity), of connections, bytes and data collection",
        "only requests and latencies are measured",
    ),
    ("AmlOnlineEndpointConsoleLog, AmlOnlineEndpointEventLog", "`getLogs` has the container's log"),
    ("MLflow's own tracking and registry API", "MLflow models are registered by azure-ai-ml"),
    ("Networks", "public access, egress, private endpoints and managed networks are kept as fields and change nothing"),
    (
        "Kubernetes clusters",
        "endpoints with a compute deploy like managed ones; their own failures (§ Kubernetes of Microsoft's "
        "troubleshooting page) come only as faults on demand, their 502, 503 and 504 not at all",
    ),
    ("Rolling updates by 20 % of the nodes", "instances are replaced one after the other"),
    ("Autoscale", "its settings are kept and not acted on"),
    (
        "Alerts",
        "metric alert rules on one resource with static thresholds fire by the metrics that are kept, one alert a "
        "rule; a changed rule forgets its alerts; no dynamic thresholds, no alert for each value of a dimension, no "
        "other kinds of rule, no action groups, and an alert's state cannot be changed",
    ),
    ("Data collection", "its settings are kept; nothing is collected"),
    (
        "Limits of requests, connections and bandwidth of an endpoint",
        "only the limit of requests in flight; no 413, no delays, no bandwidth trailers",
    ),
    ("The inside of tokens", "an AML token is text without claims; only lives and audiences are true"),
    (
        "Throttling by tenant, and the counter of resource requests",
        "one principal in one subscription uses one set of buckets",
    ),
    (
        "Operations that end after 30 minutes",
        "they end when they are due; `OperationCanceled` comes only as a fault on demand",
    ),
    ("Reads that lag behind writes", "only as a fault on demand (`stale`)"),
    ("The storage initializer's log", "a sentence: the emulator unpacks models and code itself"),
    ("Batch endpoints, jobs, computes, components", "no online endpoint needs them"),
)
"""What, and how it is instead."""
