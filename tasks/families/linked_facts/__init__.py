"""Atomic questions over a small archive of people, towns, companies, books and schools (TaskCraft); typed, so that
they can be extended."""
