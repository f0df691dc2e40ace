"""Timings with a ratio to a peer or to the naive way, measured in one run: ``python -m benchmarks``."""
