"""Where reviews come from: fetching, record layouts, cleaning, the embedded sample."""
