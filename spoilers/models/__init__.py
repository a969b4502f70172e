"""The recurrent network, TF-IDF, the trivial baselines, and the folder a model is saved in."""
