"""What the service does, as cases that talk HTTP and the public SDKs only: to the emulator, or to a real workspace."""
