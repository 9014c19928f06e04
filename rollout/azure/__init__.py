"""The only place that talks to Azure, and the only one that imports `azure.*`.

`target.connect` is the door: it gives a control plane and a data plane. Nothing here loads `azure.ai.ml` before a
deployment is to be created.
"""
