"""Programs from standard input to standard output, within limits of time and memory, in four languages (after COFO)."""
