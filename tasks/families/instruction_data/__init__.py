"""Instruction data sets of the usual shapes, mapped to tasks by an annotation file: columns, label names, splits."""
