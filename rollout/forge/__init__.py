"""Where people meet a rollout: comments, statuses, issues and change requests of a code forge."""
