"""The report's figures. Titles say what is seen; a model has one colour in all of them."""
