"""The recurrent models: data, batches, model, optimizers, training loop, checkpoints."""
