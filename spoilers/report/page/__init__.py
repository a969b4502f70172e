"""How everything that people read looks: one style of figures, one kind of page."""
