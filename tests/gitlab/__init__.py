"""A local GitLab over the repositories of `tests.github.world`, and the generated jobs."""
