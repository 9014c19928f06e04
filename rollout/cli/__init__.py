"""The composition root: wires the parts together, prints, and chooses the exit code. Nothing else does any of these."""
