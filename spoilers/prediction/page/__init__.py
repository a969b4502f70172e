"""A local page that shows a pasted review with its spoilers blurred."""
