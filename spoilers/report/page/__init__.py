"""Convert the texts to HTML pages."""
