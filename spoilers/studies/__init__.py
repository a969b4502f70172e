"""What is measured beside the main comparison: the optimizer study, leakage and gates."""
