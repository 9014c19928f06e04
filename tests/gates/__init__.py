"""Tests of rollout.gates."""
