"""Faults on demand, and their command line."""
