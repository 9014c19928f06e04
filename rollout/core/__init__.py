"""The pure heart: what the live endpoint is, where the plan stands, what to do next. No I/O, no clock."""
