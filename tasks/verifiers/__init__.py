"""Verifiers: each decides whether a diff solves a task. One file, one class, one registry entry."""
