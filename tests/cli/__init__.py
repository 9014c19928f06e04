"""Tests of rollout.cli."""
