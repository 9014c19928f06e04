"""A local Azure Machine Learning that unchanged SDKs and `curl` take for the real one. Knows nothing of the engine."""
