"""Tests of rollout.render."""
