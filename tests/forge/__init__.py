"""The forge port and its parts, against the local GitHub."""
