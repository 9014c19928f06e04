"""Decisions, change sets and progress for readers: a terminal, a log, a program. Imports nothing but values."""
