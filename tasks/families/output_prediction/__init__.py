"""Predict what a program prints without running it (the execution task of Austin et al. 2021)."""
