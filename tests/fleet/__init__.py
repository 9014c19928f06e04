"""Fleets: the command line over many endpoints, against an emulator that scores in its own process."""
