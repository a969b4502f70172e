"""Using a trained model on new reviews: its folder, the detector, files in and out, the local page."""
