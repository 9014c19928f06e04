"""A local GitHub, a local runner of its workflows, and what happens to a pull request there."""
