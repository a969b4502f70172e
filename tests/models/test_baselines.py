"""The simple models: features from ids are scikit-learn's from the words."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from spoilers.core.params import Baseline
from spoilers.metrics.scores import best_threshold
from spoilers.models.baselines import fit
from spoilers.models.folder import load, save
from spoilers.models.tfidf import Features, Linear, length_features
from spoilers.text.reviews import Reviews, from_table
from spoilers.text.vocabulary import SPECIAL, UNKNOWN, Vocabulary
from tests.rnn_data import WORDS, reviews

SETTINGS = Baseline(inverse_regularization=[0.1, 1.0, 10.0], min_count=2, max_features=5000)


def texts(some: Reviews) -> list[str]:
    """Each review as its ids, in words; those of unknown words are all different."""
    parts = np.split(some.ids, some.token_ends[:-1])
    numbers = iter(range(10**6))
    return [" ".join(f"u{next(numbers)}" if i == UNKNOWN else f"w{i:04}" for i in part) for part in parts]


def with_unknown(some: Reviews, seed: int, share: float) -> Reviews:
    lost = np.random.default_rng(seed).random(len(some.ids)) < share
    return Reviews(**{**vars(some), "ids": np.where(lost, UNKNOWN, some.ids)})


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.sampled_from([0.0, 0.2]))
def test_features_equal_sklearn(seed, min_count, unknown):
    some, others = (with_unknown(reviews(seed + i, 30), seed + i, unknown) for i in (0, 1))
    features = Features.of(some, WORDS, min_count, 10**6)
    # An unknown word is another one each time, so that `min_df` leaves it and its pairs out.
    theirs = TfidfVectorizer(
        analyzer="word", token_pattern=r"\S+", ngram_range=(1, 2), min_df=min_count, sublinear_tf=True
    )
    expected = theirs.fit_transform(texts(some))
    assert len(features.codes) == expected.shape[1]
    names = [
        f"w{code:04}" if code < WORDS else f"w{code // WORDS - 1:04} w{code % WORDS:04}"
        for code in features.codes.tolist()
    ]
    order = [theirs.vocabulary_[name] for name in names]
    assert np.allclose(features.matrix(some).toarray(), expected.toarray()[:, order], atol=1e-12)
    new = theirs.transform(texts(others)).toarray()[:, order]
    assert np.allclose(features.matrix(others).toarray(), new, atol=1e-12)


def test_the_most_frequent_features_are_kept():
    some = reviews(1, 60)
    every = Features.of(some, WORDS, 1, 10**6)
    few = Features.of(some, WORDS, 1, 7)
    assert few.codes.tolist() == sorted(few.codes)
    rarest_kept = max(few.idf)
    dropped = every.idf[~np.isin(every.codes, few.codes)]
    assert rarest_kept <= dropped.min()


def test_regularisation_is_chosen_on_validation_and_fitted_as_sklearn_does():
    train, validation = reviews(1, 150), reviews(2, 80)
    models = fit(train, validation, WORDS, SETTINGS)
    c = models.training["inverse_regularization"]
    assert c in SETTINGS.inverse_regularization
    x = models.features.matrix(train)
    theirs = LogisticRegression(C=c, max_iter=2000).fit(x, train.labels)
    expected = theirs.predict_proba(models.features.matrix(validation))[:, 1]
    assert np.allclose(models.probabilities(validation)["tfidf"], expected, atol=1e-9)
    for other in SETTINGS.inverse_regularization:
        alone = SETTINGS.model_copy(update={"inverse_regularization": [other]})
        score = fit(train, validation, WORDS, alone).training["validation_average_precision"]
        assert score <= models.training["validation_average_precision"]


def test_length_and_majority():
    train, validation = reviews(1, 150), reviews(2, 80)
    models = fit(train, validation, WORDS, SETTINGS)
    found = models.probabilities(validation)
    x = length_features(validation)
    assert np.allclose(np.expm1(x), np.stack([validation.lengths, validation.sentence_counts], 1))
    model = Linear.fit(length_features(train), train.labels, 1.0)
    assert np.array_equal(found["length"], model.probabilities(x))
    assert set(found["majority"]) == {float(train.labels.mean())}
    assert (found["majority"] < models.thresholds["majority"]).all()


def test_sentences_are_read_as_if_they_were_reviews():
    train, validation = reviews(1, 150), reviews(2, 80)
    models = fit(train, validation, WORDS, SETTINGS)
    found = models.sentence_probabilities(validation)
    ends = np.cumsum(validation.sentence_lengths)
    for i in np.random.default_rng(0).permutation(len(ends))[:40]:
        ids = validation.ids[ends[i] - validation.sentence_lengths[i] : ends[i]]
        alone = pa.table(
            {
                "label": [False],
                "ids": pa.array([ids.tolist()], pa.list_(pa.int32())),
                "sentence_lengths": [[len(ids)]],
                "sentence_labels": pa.nulls(1, pa.list_(pa.bool_())),
            }
        )
        expected = models.probabilities(from_table(alone, 10**6))["tfidf"]
        assert found[i] == pytest.approx(expected[0], abs=1e-12)
    known = ~np.isnan(validation.sentence_labels)
    assert 0 < known.sum() < len(known)
    labels = validation.sentence_labels[known]
    assert models.sentence_threshold == best_threshold(labels, found[known])


def test_saved_and_loaded_it_says_the_same(tmp_path):
    vocabulary = Vocabulary(SPECIAL + [f"w{i}" for i in range(2, WORDS)])
    vocabulary.save(tmp_path / "words.txt")
    train, validation = reviews(1, 150), reviews(2, 80)
    models = fit(train, validation, WORDS, SETTINGS)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    save(first, "baseline", models.weights(), models.description(), tmp_path / "words.txt", False, True)
    again = load(first).baselines
    for name, values in models.probabilities(validation).items():
        assert np.array_equal(values, again.probabilities(validation)[name])
    assert again.thresholds == models.thresholds
    assert again.sentence_threshold == models.sentence_threshold
    save(second, "baseline", again.weights(), again.description(), tmp_path / "words.txt", False, True)
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (first, second)]
    assert files[0] == files[1]
