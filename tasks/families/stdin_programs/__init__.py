"""Programs from standard input to standard output, with limits on time and memory, in several languages (after COFO)."""
