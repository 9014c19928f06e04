"""The queue and its workers, with a real Postgres."""
