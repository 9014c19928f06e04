"""A local Azure DevOps: its REST API in front of the same repositories as the local GitHub."""
