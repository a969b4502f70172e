"""Compute cells and optimizers in NumPy, and write the theory pages with their figures."""
