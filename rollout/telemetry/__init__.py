"""OpenTelemetry: a trace and metrics of each pass, to where the standard variables say. Loaded only when they do."""
