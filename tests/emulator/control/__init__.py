"""Tests of the emulator's control plane."""
