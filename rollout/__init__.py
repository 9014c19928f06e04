"""Declarative rollouts for Azure Machine Learning online endpoints."""
