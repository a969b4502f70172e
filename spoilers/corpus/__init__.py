"""Download, parse and clean reviews; compose the embedded sample."""
