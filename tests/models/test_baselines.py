"""The simple models: their features from ids equal scikit-learn's."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import random_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from spoilers.core.errors import UserError
from spoilers.core.params import Baseline
from spoilers.metrics.scores import average_precision, best_threshold
from spoilers.models import tfidf
from spoilers.models.baselines import WHOLE, Baselines, fit
from spoilers.models.folder import load, save
from spoilers.models.tfidf import (
    DocumentFrequencies,
    Features,
    Linear,
    length_features,
    sentences_alone,
    stacked,
)
from spoilers.text.reviews import ReviewFile, Reviews, from_table
from spoilers.text.vocabulary import SPECIAL, UNKNOWN, Vocabulary
from tests.rnn_data import WORDS, reviews, table

SETTINGS = Baseline(inverse_regularization=[0.1, 1.0, 10.0], min_count=2, max_features=5000)


def texts(some: Reviews) -> list[str]:
    """Write each review's ids as words; every unknown word is different."""
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
    # Each unknown word is different, so that `min_df` leaves it and its pairs out.
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
    assert np.allclose(features.matrix(some).toarray(), expected.toarray()[:, order], atol=1e-6)
    new = theirs.transform(texts(others)).toarray()[:, order]
    assert np.allclose(features.matrix(others).toarray(), new, atol=1e-6)


def test_the_most_frequent_features_are_kept():
    some = reviews(1, 60)
    every = Features.of(some, WORDS, 1, 10**6)
    few = Features.of(some, WORDS, 1, 7)
    assert few.codes.tolist() == sorted(few.codes)
    rarest_kept = max(few.idf)
    dropped = every.idf[~np.isin(every.codes, few.codes)]
    assert rarest_kept <= dropped.min()


def test_rare_features_are_refused_in_one_line():
    with pytest.raises(UserError, match=r"no word is in 61 training reviews; lower baseline\.min_count"):
        Features.of(reviews(1, 60), WORDS, 61, 10)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), unique=True), max_size=12))
def test_document_frequencies_are_sums_over_blocks(parts):
    found = DocumentFrequencies()
    for part in parts:
        found.add(np.array(sorted(part), np.int64), np.ones(len(part), np.int64))
    found.merge()
    codes, frequency = np.unique([code for part in parts for code in part], return_counts=True)
    assert found.codes.tolist() == codes.tolist()
    assert found.frequency.tolist() == frequency.tolist()


def test_stacked_rows_are_those_of_the_parts():
    draw = np.random.default_rng(0)
    parts = [random_array((n, 9), density=0.3, rng=draw, dtype=np.float32).tocsr() for n in (4, 1, 0, 7)]
    whole = stacked(iter(parts))
    assert np.array_equal(whole.toarray(), np.concatenate([part.toarray() for part in parts]))
    assert whole.dtype == np.float32
    assert whole.indices.dtype == np.int32


def test_blocks_from_disk_or_memory_give_the_same_models(tmp_path, monkeypatch):
    sources = {}
    for name, seed in {"train": 1, "validation": 2}.items():
        pq.write_table(table(np.random.default_rng(seed), 150), tmp_path / name, row_group_size=40)
        sources[name] = ReviewFile(tmp_path / name, WHOLE)
        assert len(sources[name]) == 150
    train, validation = reviews(1, 150), reviews(2, 150)
    together = fit(train, validation, WORDS, SETTINGS)
    expected = together.probabilities(validation)
    monkeypatch.setattr(tfidf, "BLOCK", 17)
    streamed = fit(sources["train"], sources["validation"], WORDS, SETTINGS, workers=2)
    assert streamed.training == together.training
    assert streamed.thresholds == together.thresholds
    for name, values in streamed.probabilities(sources["validation"], workers=2).items():
        assert np.array_equal(values, expected[name])
    sentences = streamed.sentence_probabilities(sources["validation"])
    assert np.array_equal(sentences, together.sentence_probabilities(validation))


# Both solvers stop at a tolerance, from different starts: hence 5e-3 here and below.
def test_regularisation_is_chosen_on_validation_and_fitted_as_sklearn_does():
    train, validation = reviews(1, 150), reviews(2, 80)
    models = fit(train, validation, WORDS, SETTINGS)
    c = models.training["inverse_regularization"]
    assert c in SETTINGS.inverse_regularization
    x = models.features.matrix(train)
    theirs = LogisticRegression(C=c, max_iter=2000, tol=1e-7).fit(x.astype(np.float64), train.labels)
    expected = theirs.predict_proba(models.features.matrix(validation))[:, 1]
    assert np.allclose(models.probabilities(validation)["tfidf"], expected, atol=5e-3)
    x_validation = models.features.matrix(validation)
    precision = {
        strength: average_precision(validation.labels, model.probabilities(x_validation))
        for strength, model in Linear.path(x, train.labels, SETTINGS.inverse_regularization).items()
    }
    assert max(precision.values()) == precision[c] == models.training["validation_average_precision"]


def test_regularisation_goes_from_strong_to_weak():
    train = reviews(1, 150)
    x = Features.of(train, WORDS, 2, 5000).matrix(train)
    models = Linear.path(x, train.labels, [10.0, 0.1, 1.0])
    assert list(models) == [0.1, 1.0, 10.0]
    sizes = [float(np.linalg.norm(model.weights)) for model in models.values()]
    assert sizes == sorted(sizes)
    assert models[0.1].weights.dtype == np.float32


def test_a_rare_feature_is_learned_from_many_rows():
    rows = 200_000
    y = (np.arange(rows) % 10 == 0).astype(np.float32)
    x = np.zeros((rows, 1), np.float32)
    x[np.flatnonzero(y)[:60]] = 1  # a rare feature, which always comes with the label
    assert Linear.path(x, y, [10.0])[10.0].weights[0] > 4


def test_sentences_are_learned_from_their_labels():
    train, validation = reviews(1, 150), reviews(2, 80)
    models = fit(train, validation, WORDS, SETTINGS)
    known = ~np.isnan(train.sentence_labels)
    assert 0 < known.sum() < len(known)
    alone = sentences_alone(train).choose(np.flatnonzero(known))
    c = models.training["tfidf_sentences"]["inverse_regularization"]
    theirs = LogisticRegression(C=c, max_iter=2000, tol=1e-7)
    theirs.fit(models.features.matrix(alone).astype(np.float64), train.sentence_labels[known])
    expected = theirs.predict_proba(models.features.matrix(sentences_alone(validation)))[:, 1]
    sentences = models.sentence_probabilities(validation)
    assert np.allclose(sentences, expected, atol=5e-3)
    found = models.probabilities(validation)["tfidf_sentences"]
    parts = np.split(sentences, validation.sentence_ends[:-1])
    assert found.tolist() == [part.max() for part in parts]
    assert models.thresholds["tfidf_sentences"] == best_threshold(validation.labels, found)


def test_without_labels_of_sentences_there_is_no_model_of_them(tmp_path):
    train, validation = (
        Reviews(**{**vars(some), "sentence_labels": np.full_like(some.sentence_labels, np.nan)})
        for some in (reviews(1, 150), reviews(2, 80))
    )
    models = fit(train, validation, WORDS, SETTINGS)
    assert models.tfidf_sentences is None
    assert models.sentence_threshold is None
    assert "tfidf_sentences" not in models.training
    assert set(models.probabilities(validation)) == {"tfidf", "length", "majority"} == set(models.thresholds)
    assert Baselines.of(models.weights(), models.description()).tfidf_sentences is None


def test_length_and_majority():
    train, validation = reviews(1, 150), reviews(2, 80)
    models = fit(train, validation, WORDS, SETTINGS)
    found = models.probabilities(validation)
    x = length_features(validation)
    assert np.allclose(np.expm1(x), np.stack([validation.lengths, validation.sentence_counts], 1))
    model = Linear.path(length_features(train), train.labels, [1.0])[1.0]
    assert np.array_equal(found["length"], model.probabilities(x))
    assert set(found["majority"]) == {float(train.labels.mean())}
    assert (found["majority"] < models.thresholds["majority"]).all()


@pytest.mark.parametrize("labelled", [True, False])
def test_sentences_are_read_as_if_they_were_reviews(labelled):
    train, validation = reviews(1, 150), reviews(2, 80)
    if not labelled:
        train = Reviews(**{**vars(train), "sentence_labels": np.full_like(train.sentence_labels, np.nan)})
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
        expected = models.probabilities(from_table(alone, 10**6))
        assert found[i] == pytest.approx(expected["tfidf_sentences" if labelled else "tfidf"][0], abs=1e-6)
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
