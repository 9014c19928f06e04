"""The plan language: YAML files in, a `rollout.core.release.Release` or every fault at once out."""
