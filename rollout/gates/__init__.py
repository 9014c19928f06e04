"""Measurements: what a gate asks of the live endpoint, and what its answers mean. Import `measurer.Measurer`."""
