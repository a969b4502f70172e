"""What models and optimizers are called in what people read."""

NAMES = {
    "lstm": "LSTM",
    "gru": "GRU",
    "gru_matched": "GRU of equal parameters",
    "tfidf": "TF-IDF + logistic regression",
    "tfidf_sentences": "TF-IDF + logistic regression, on sentences",
    "length": "length only",
    "majority": "majority class",
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}
