"""Telling people and programs what happened: through apprise, and as signed CloudEvents. A leaf that cli wires in."""
