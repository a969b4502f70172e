"""Speed and memory of the pipeline, measured."""
