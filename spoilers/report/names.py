"""Display names of models and optimizers, and the layers that the study distinguishes."""

NAMES = {
    "lstm": "LSTM",
    "gru": "GRU",
    "tfidf": "TF-IDF + logistic regression",
    "tfidf_sentences": "TF-IDF + logistic regression, on sentences",
    "length": "length only",
    "majority": "majority class",
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}
LAYERS = ("embedding", "recurrent", "output")
