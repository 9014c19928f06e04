"""Budgets, measured as ratios within one run: `python -m benchmarks [NAME …]`. Never part of the tests."""
