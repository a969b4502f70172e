"""What models and optimizers are called in what people read, and the layers that the study tells apart."""

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
