"""The emulator as a tool of its own."""
