"""What is to be solved: tasks, suites, sources, generators, verifiers, validation.

Imports `environments` only.
"""
