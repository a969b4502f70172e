"""The HTML page that every text becomes."""
