"""Tests of the Azure adapter: pure parts by values, the rest against the emulator over HTTPS."""
