"""Methodical writing: an objective, a procedure, an input, and a text in sections whose findings follow from the input
(DOLOMITES)."""
