"""A web page on loopback: every endpoint at a glance, every rollout in full, and what a person may do to it."""
