"""Reference cells and optimizers in NumPy, and the theory pages with their figures."""
