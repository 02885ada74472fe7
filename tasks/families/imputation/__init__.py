"""Cells that are missing, and can be known from the rest."""
