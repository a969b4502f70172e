"""Use a trained model on new reviews: the detector, input and output files, and the local page."""
