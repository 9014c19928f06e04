"""Metrics, logs, the activity log, made-up traffic."""
