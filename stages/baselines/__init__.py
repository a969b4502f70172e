"""Simple models to stand beside the networks."""
