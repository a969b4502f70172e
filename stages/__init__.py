"""One small script per stage of the pipeline, over the packages that do the work."""
