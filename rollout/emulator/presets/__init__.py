"""Faults by their names: every failure of the service's documentation, ready to be asked for."""
