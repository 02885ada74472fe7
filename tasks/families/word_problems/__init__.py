"""Numeric word problems answered by a program, checked with re-drawn numbers (after MathQA-Python)."""
