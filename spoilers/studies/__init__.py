"""Studies of the models: main comparison, optimizers, ablation, leakage and gates."""
