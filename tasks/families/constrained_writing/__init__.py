"""Writing under three to nine constraints of eight kinds; what a program can check is scored (WildIFEval)."""
