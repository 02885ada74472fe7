"""Generators: each turns a prepared repository into candidates. One file, one class, one registry entry."""
