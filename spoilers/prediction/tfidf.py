"""The baseline of the pipeline, behind the call that all models share."""

from pathlib import Path

import numpy as np

from spoilers.models import baselines as baselines
from spoilers.prediction.folder import VOCABULARY
from spoilers.text.reviews import Reviews


class Tfidf:
    """TF-IDF with logistic regression; where sentences had labels, a model of its own reads them."""

    max_tokens = baselines.WHOLE

    def __init__(self, folder: Path):
        self.models = baselines.load(folder, folder / VOCABULARY)
        self.threshold = self.models.thresholds["tfidf"]
        self.sentence_threshold = self.models.sentence_threshold

    def probabilities(self, reviews: Reviews) -> tuple[np.ndarray, np.ndarray]:
        of_reviews = self.models.tfidf.probabilities(self.models.features.matrix(reviews))
        return of_reviews, self.models.of_sentences(reviews)
