"""The training loop, optimizers, loss, checkpoints and processes."""
