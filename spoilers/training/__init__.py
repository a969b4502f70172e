"""The training loop, optimizers, loss, checkpoints, devices and processes."""
