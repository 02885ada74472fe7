"""Data sets from a causal workflow; the hypothesis that they support is to be found."""
