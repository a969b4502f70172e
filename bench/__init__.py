"""Measure the pipeline's speed and memory."""
