"""The report's figures. Titles say what they show; each model keeps one colour."""
