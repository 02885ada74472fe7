"""Examples of a change of form; the rest is to follow."""
