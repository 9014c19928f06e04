"""A local Azure Machine Learning that the unchanged SDKs and `curl` take for the real one. Imports nothing of the engine."""
