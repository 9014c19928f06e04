"""Recorded and captured traffic, replayed against the emulator request by request."""
