"""The embedded sample: sentences about public-domain novels, and the generator that makes reviews of them."""
