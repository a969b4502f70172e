"""Tables, figures, prose templates, and Markdown to HTML."""
