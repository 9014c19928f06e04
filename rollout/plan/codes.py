"""Every code of the plan language with what it means and what to do: what `rollout explain CODE` says.

Codes are stable: one that is not used any more is not given to something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """What a code stands for: a title, and a paragraph with the remedy."""

    title: str
    text: str


_READING: Final = {
    "PLAN001": Explanation("the file cannot be read", "There is no such file, or its permissions forbid reading it."),
    "PLAN002": Explanation("a directory instead of a file", "Name the plan's YAML file."),
    "PLAN003": Explanation("not UTF-8", "YAML files are read as UTF-8. Save the file in that encoding."),
    "PLAN004": Explanation("the file is empty", "The file has no YAML document, or only comments."),
    "PLAN005": Explanation(
        "not valid YAML",
        "The YAML parser stopped here; what is wrong is often on the line before. Indent with spaces, close "
        "brackets and quotes, and quote values that start with `{`, `[`, `*`, `&`, `!`, `%`, `@` or a backtick.",
    ),
    "PLAN006": Explanation("several documents", "A plan is one YAML document: remove `---`, or make two files."),
    "PLAN007": Explanation(
        "a YAML tag", "Tags such as `!!python/object` or `!Ref` are never followed. Write plain values."
    ),
    "PLAN008": Explanation(
        "too large",
        "Files are limited to 1 MB and 20,000 values, aliases expanded; an alias must not contain itself.",
    ),
    "PLAN009": Explanation("nested too deep", "Files are limited to 64 levels of nesting."),
    "PLAN010": Explanation(
        "a key is given twice", "YAML parsers keep one of the two without saying which. Remove or rename one."
    ),
    "PLAN011": Explanation("not a usable key", "Keys are words. `{{…}}` of a template is a mapping in YAML: quote it."),
    "PLAN012": Explanation("not a mapping", "The file must consist of `key: value` lines at its top."),
    "PLAN013": Explanation("too many faults", "Only the first fifty are shown; correct them and look again."),
}
_LANGUAGE: Final = {
    "PLAN101": Explanation("an unknown key", "Nothing is ignored silently: a key that nobody knows is refused."),
    "PLAN102": Explanation("a key is missing", "This key is required here."),
    "PLAN103": Explanation(
        "a value of the wrong kind",
        "Values are never converted silently. Quote what must be text. By the rules of YAML 1.2 only `true` and "
        "`false` are booleans; `yes`, `no`, `on` and `off` are text.",
    ),
    "PLAN104": Explanation(
        "not a duration", "Durations have a unit: `90s`, `30m`, `1h30m`, `2d`, or ISO 8601 such as `PT30M`."
    ),
    "PLAN105": Explanation(
        "not a usable number",
        "Weights are whole percentages: 0 to 100 for live traffic, 0 to 50 for mirrored traffic (`none` for 0).",
    ),
    "PLAN106": Explanation(
        "a stage needs exactly one kind",
        "A stage is one of deploy, scale, mirror, traffic, delete, smoke_test, compare, bake, metric, approval; beside "
        "it only name, timeout and on_failure may stand.",
    ),
    "PLAN108": Explanation(
        "not a usable name",
        "Endpoints and deployments: 3 to 32 lower-case letters, digits and single dashes, starting with a letter. The "
        "service does not distinguish case, so upper case is refused here.",
    ),
    "PLAN109": Explanation(
        "a variable that is not declared",
        "`${NAME}` is replaced only for names that `variables:` in the repository's `rollout.yaml` declares. A literal "
        "`${` is written `$${`. The `az ml` files are read as `az ml` reads them: nothing is replaced there.",
    ),
    "PLAN110": Explanation("an unknown word", "Only the listed words are accepted here."),
    "PLAN111": Explanation("an unknown version or kind", "A plan says `version: 1`, and `kind: plan` or no kind."),
    "PLAN112": Explanation(
        "not at this stage",
        "`timeout` is for gates (the service ends its own operations); `on_failure` for what can fail: gates, deploy.",
    ),
    "PLAN113": Explanation(
        "a variable without a usable value",
        "A variable is never silently empty: give it a `default` in `rollout.yaml`, or set the environment variable "
        "that its `from_env` names, to a value of its `type`.",
    ),
    "PLAN114": Explanation("a variable in a key", "Variables stand in scalar values, never in keys."),
    "PLAN115": Explanation(
        "a secret as a variable",
        "Values of variables are shown in change sets and pull requests, so an environment variable that is called "
        "like a secret is refused. Give secrets to the deployment by its identity and a key vault.",
    ),
    "PLAN116": Explanation(
        "an overlay for a stage that is not there",
        "In an overlay, `stages: {NAME: {…}}` changes the stage of that name, and `NAME: null` removes it; a list "
        "replaces all stages.",
    ),
    "PLAN117": Explanation(
        "not a field that can be ignored",
        "`ignore` names what converges in place and may be left to others once it is there: `endpoint.tags.owner`, "
        "`deployments.*.instance_count`. What makes a revision (model, code, environment) is always the plan's.",
    ),
}
_TIMES: Final = {
    "PLAN118": Explanation(
        "not a time on the wall clock",
        "Times of a policy are wall-clock times such as `2026-01-05T09:00`, days are `2026-12-24` or `12-24` (every "
        "year); the zone stands beside them, under `zone`.",
    ),
    "PLAN119": Explanation(
        "not a recurrence",
        "`every` is an RRULE of RFC 5545 with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, such as "
        "`FREQ=MONTHLY;BYDAY=-1FR`; when it begins on the day, and how long it takes, is said by `from` and `for`.",
    ),
    "PLAN120": Explanation("not a time zone", "A name of the IANA time zone database: `Europe/Berlin`, `UTC`."),
    "PLAN121": Explanation(
        "a calendar that is not known", "`days` and `except` name a calendar under `holidays` of the same file."
    ),
    "PLAN122": Explanation(
        "a library is not installed", "Parts of a policy need an extra of this package; the hint names it."
    ),
}
_NOTIFICATIONS: Final = {
    "PLAN123": Explanation(
        "not the name of a variable",
        "`apprise`, `url_from` and `secret_from` name the environment variable that holds a receiver's address or "
        "secret, in capitals: `SLACK_URL`. What is written into the file is in Git's history for ever: an address that "
        "stood here is to be replaced at the receiver, too.",
    ),
    "PLAN124": Explanation(
        "a template that cannot be filled",
        "`$name` or `${name}` stands for one of the fields that docs/notifications.md lists; `$$` is a dollar sign.",
    ),
}
_ENVIRONMENTS: Final = {
    "PLAN125": Explanation(
        "an environment that is not known", "`promoted_from` of a policy names one of `environments` in `rollout.yaml`."
    ),
}
_POLICY: Final = {
    "POLICY101": Explanation("the first weight is too large", "`largest_first_weight` of the repository's policy."),
    "POLICY102": Explanation("a step is too large", "`largest_step` of the repository's policy."),
    "POLICY103": Explanation(
        "a bake is too short", "`shortest_bake` of the repository's policy: bakes between two traffic stages add up."
    ),
    "POLICY104": Explanation("a gate is missing", "`gates` of the repository's policy must exist."),
    "POLICY105": Explanation("an approval is missing", "`approvals` of the repository's policy must exist."),
    "POLICY106": Explanation("an instance type that is not allowed", "`instance_types` of the repository's policy."),
    "POLICY107": Explanation("too many instances", "`most_instances` of the repository's policy."),
    "POLICY108": Explanation(
        "a hazard that is not allowed here", "`allowed_hazards` and `refused_hazards` of the policy; no flag helps."
    ),
    "POLICY109": Explanation("a delete that is not allowed", "`deletes` of the repository's policy."),
    "POLICY110": Explanation("an expression is not true", "`expressions` of the repository's policy, in CEL."),
    "POLICY111": Explanation(
        "an expression cannot be evaluated",
        "It is no CEL, asks for what is not there, gives no truth value, or takes too long. Then it refuses the plan.",
    ),
    "POLICY120": Explanation(
        "the policy would be loosened",
        "A plan, and a policy further down, may only be stricter than the policies above. All rules count anyway.",
    ),
}
_ROLLOUT: Final = {
    "PLAN201": Explanation(
        "two forms mixed",
        "A plan has either `candidate` (and `slots`), or `deployments` (and `bootstrap`): never both, never neither.",
    ),
    "PLAN202": Explanation("the rollout does not end", "The last traffic stage gives 100 % to the candidate."),
    "PLAN203": Explanation(
        "the weight falls",
        "From stage to stage the candidate's weight may only rise. Lowering it is what a failed gate or a person does.",
    ),
    "PLAN204": Explanation(
        "stages in an impossible order",
        "Deploy comes first; mirror stages come before live traffic (a deployment never has both, and "
        "Kubernetes endpoints cannot mirror); stable is deleted last, when the candidate has all traffic.",
    ),
    "PLAN205": Explanation("an unknown deployment", "Use `candidate`, `stable`, or a name from `deployments`."),
    "PLAN206": Explanation(
        "no two roles",
        "Every rollout has one stable and one candidate: the candidate is the deployment that the stages deploy and "
        "end with 100, stable is the other. What cannot be read so is refused.",
    ),
    "PLAN207": Explanation(
        "a stage's name is used twice", "Names are what `--until` and approvals refer to: they differ."
    ),
    "PLAN208": Explanation(
        "not a bootstrap",
        "`bootstrap` deploys what will serve and gives it all traffic; it runs only where nothing serves yet.",
    ),
    "PLAN209": Explanation("the slots are the same", "Deployments alternate between two different names."),
    "PLAN210": Explanation("weights that do not sum to 100", "The service accepts a split only if it sums to 100."),
    "PLAN211": Explanation(
        "too many gates", "Which gates passed is kept in the endpoint's tags, and a resource has room for 12 of ours."
    ),
}
_FILES: Final = {
    "PLAN303": Explanation(
        "a file is missing", "Relative paths start from the folder of the file that names them, as in `az ml`."
    ),
    "PLAN304": Explanation(
        "names contradict", "The plan supplies `name` and `endpoint_name`; a file may leave them out."
    ),
    "PLAN305": Explanation("weights in the endpoint's file", "The plan's stages decide the traffic: remove it there."),
    "PLAN306": Explanation("content cannot be read", "A model, code or conda file exists but cannot be read."),
    "PLAN307": Explanation(
        "an empty folder", "There is nothing to upload: no file, or `.amlignore` excludes them all."
    ),
    "PLAN308": Explanation(
        "outside the repository",
        "Paths and links must stay below the folder of `.git` (or else of `rollout.yaml`): a plan must mean the same "
        "on every runner, and a pull request must not be able to read a runner's files.",
    ),
    "PLAN309": Explanation("not a plain file", "Pipes and devices are not read: they may never end."),
    "PLAN310": Explanation(
        "too many files", "A model or code folder holds at most 20,000 files; `.amlignore` leaves files out."
    ),
    "PLAN311": Explanation(
        "a deployment of another kind than its endpoint",
        "An endpoint with `compute` lives on Kubernetes, and so do its deployments (`type: kubernetes`); any other is "
        "managed, and so are its deployments.",
    ),
    "PLAN312": Explanation(
        "not a usable reference",
        "A registered asset is named by `azureml:NAME:VERSION`, by `azureml:NAME@LABEL`, by its ARM id, or in a "
        "registry by `azureml://registries/REGISTRY/models/NAME/versions/VERSION`; a user-assigned identity by its ARM "
        "id. What stands between `<` and `>` is to be filled in.",
    ),
    "PLAN401": Explanation(
        "not a usable request", "A request is a file, or a JSON `body`; `.json` files must be JSON."
    ),
    "PLAN402": Explanation("not a JSON Schema", "The schema of the answer is itself checked against its metaschema."),
    "PLAN403": Explanation("not a JMESPath expression", "Assertions are JMESPath; literals stand in backticks."),
    "PLAN404": Explanation(
        "not a usable golden answer", "Give `answer` or `file`; one golden answer belongs to one request."
    ),
    "PLAN405": Explanation(
        "not a usable comparison",
        "What is compared is `select` (a part of each answer), `rows` (a list in each, row by row) or `labels` (one or "
        "many in each, which are equal or not), and the whole answer without them. Paths to ignore are keys with dots "
        "between them, `*` for any of them. A limit of the latency needs 20 requests.",
    ),
}
_EVIDENCE: Final = {
    "PLAN501": Explanation(
        "not a usable alpha",
        "`alpha` is the probability that a good candidate is rolled back, in the whole rollout and however often "
        "anybody looks: a number between 0 and 1. 0.05 is usual; 0 would mean never to roll back.",
    ),
    "PLAN502": Explanation(
        "a metric that the source does not have",
        "Azure Monitor and Log Analytics count requests by their status (and Log Analytics by their time); Prometheus "
        "has no metrics but your own, so a check of it is a `metric` with the queries `bad` and `total`.",
    ),
    "PLAN503": Explanation(
        "latency from quantiles of minutes",
        "Azure Monitor gives the quantiles of each minute. They cannot be averaged or added up, so a check of latency "
        "needs a source with single requests (`source: {log_analytics: ID}`), which counts those slower than a fixed "
        "limit.",
    ),
    "PLAN504": Explanation(
        "a bake that can never finish",
        "Where the candidate gets no requests nothing can be checked; behind `traffic: 100` stable gets none, so only "
        "`at_most` can be checked; that a candidate is not worse at all (`tolerate: 0%`) cannot be proven; and the "
        "limit must leave time for the last counts to come in.",
    ),
    "PLAN505": Explanation(
        "not a usable source",
        "A source is one of azure_monitor, log_analytics (with the workspace's id), prometheus and http (with an https "
        "address; http only on this machine). Credentials never stand in an address.",
    ),
    "PLAN506": Explanation(
        "not a usable share", "Shares of requests are percentages with their sign: `0.5%`, less than `100%`."
    ),
    "PLAN507": Explanation(
        "not an alert rule",
        "An alert is named by its rule: the name of a metric alert in the workspace's resource group, or the ARM id of "
        "a metric, log search or activity log alert rule.",
    ),
}

_FLEETS: Final = {
    "PLAN601": Explanation(
        "waves that wait for each other",
        "Each wave starts when those in its `after` are complete; a wave without `after` comes after the one written "
        "before it. Following these from wave to wave must never lead back.",
    ),
    "PLAN602": Explanation("an unknown wave", "`after` names waves of the same fleet."),
    "PLAN603": Explanation(
        "two waves of one name", "Reports, `after` and `rollback --wave` tell waves by their names."
    ),
    "PLAN604": Explanation(
        "an endpoint twice",
        "Each endpoint belongs to one member, and each member has a name of its own: give members of a template a "
        "`name`, and a `target` where the same name serves in several workspaces.",
    ),
    "PLAN605": Explanation(
        "a member without a plan", "A member names its plan, or the fleet has a `template` that is the plan of all."
    ),
    "PLAN606": Explanation("a fleet in a fleet", "Members are plans. Put the other fleet's members into waves here."),
    "PLAN607": Explanation(
        "not a value for a declared variable",
        "A member gives values to variables that the plan's `rollout.yaml` declares, of the kind that it says.",
    ),
}
_WARNINGS: Final = {
    "LINT001": Explanation(
        "a weight that nothing watches",
        "Between this stage and the next one stands no gate: the candidate gets more traffic, or stable is deleted, "
        "before anybody could see how it serves. Put a bake, a smoke test or an approval behind it.",
    ),
    "LINT002": Explanation(
        "a short bake",
        "A scheduled `rollout reconcile` sees a bake only every so often: one that is shorter than twice the interval "
        "(`reconcile: {interval: …}` in `rollout.yaml`, 5 minutes by default) may be looked at once or not at all.",
    ),
    "LINT003": Explanation(
        "a large step",
        "The candidate's weight rises by more than 50 points at once. Smaller steps show trouble to fewer users.",
    ),
    "LINT004": Explanation(
        "a label that moves",
        "`@LABEL` and `/labels/LABEL` mean something else when somebody registers a new version, without any commit. "
        "Name the version: `azureml:NAME:VERSION`. (A run pins the label when it starts.)",
    ),
    "LINT005": Explanation(
        "an environment that cannot be made again",
        "An image with `latest` or no tag, or packages without versions, give another environment at the next build. "
        "Pin the image (best by its digest, `@sha256:…`) and every package.",
    ),
    "LINT006": Explanation(
        "the emulator as a committed target",
        "The target in this file is the local emulator's workspace. The command line chooses it: `--target emulator`.",
    ),
    "LINT007": Explanation(
        "a variable where none is replaced",
        "`az ml` files are read as `az ml` reads them, so `${NAME}` stays as it is there. To change a value of such a "
        "file, write `{file: …, set: {…}}` in the plan or in an overlay.",
    ),
    "LINT008": Explanation(
        "a stage that no window lets begin",
        "The stage and the bakes behind it, up to the next change of traffic, need one open window, and within a year "
        "there is none that is long enough: the rollout would wait there. Make the bake shorter, or say `fit: begin` "
        "at the window.",
    ),
}

CODES: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        **_READING,
        **_LANGUAGE,
        **_TIMES,
        **_NOTIFICATIONS,
        **_ENVIRONMENTS,
        **_ROLLOUT,
        **_FILES,
        **_EVIDENCE,
        **_FLEETS,
        **_POLICY,
        **_WARNINGS,
    }
)
"""All codes, in order: faults, then warnings."""
