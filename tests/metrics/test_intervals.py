"""Compare weighted scores with scikit-learn, intervals with simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from spoilers.metrics import intervals, scores
from spoilers.metrics.intervals import (
    Bootstrap,
    Ranking,
    Resamples,
    draw_trainings,
    f1_of,
    holm_intervals,
    holm_p_values,
    interval,
    over_trainings,
)
from tests.scored import labelled


@given(labelled(), st.integers(0, 2**32 - 1))
def test_weights_are_repetitions(data, seed: int) -> None:
    labels, p = data
    weights = np.random.default_rng(seed).integers(0, 3, (1, len(labels)))
    weights[0, [0, -1]] = 1  # at least one of each class
    repeated = [np.repeat(values, weights[0]) for values in (labels, p, p >= 0.5)]
    ranking = Ranking(labels, p)
    assert ranking.average_precision(weights) == pytest.approx(metrics.average_precision_score(*repeated[:2]))
    assert ranking.roc_auc(weights) == pytest.approx(metrics.roc_auc_score(*repeated[:2]))
    each = Resamples(weights.astype(np.int16), np.arange(len(labels)))  # one review per book
    assert f1_of(each, labels, p >= 0.5) == pytest.approx(metrics.f1_score(repeated[0], repeated[2]))


@given(labelled(), st.integers(0, 2**32 - 1))
def test_points_of_a_curve(data, seed: int) -> None:
    """Compare with all thresholds, one by one."""
    labels, p = data
    weights = np.random.default_rng(seed).integers(1, 3, (1, len(labels)))
    y, x = np.repeat(labels, weights[0]), np.repeat(p, weights[0])
    called = [x >= threshold for threshold in np.unique(x)[::-1]]
    recall = np.array([(c & (y > 0)).sum() / y.sum() for c in called])
    precision = np.array([y[c].mean() for c in called])
    false = np.array([(c & (y == 0)).sum() / (y == 0).sum() for c in called])
    goals = np.array([0.1, 0.5, 0.75, 1.0])
    found = Ranking(labels, p).precision_at(goals, weights)[0]
    assert found == pytest.approx([precision[recall >= goal - 1e-9][0] for goal in goals])
    rates = np.array([0.0, 0.25, 0.5, 1.0])
    found = Ranking(labels, p).recall_at(rates, weights)[0]
    assert found == pytest.approx([recall[false <= rate + 1e-9].max(initial=0) for rate in rates])


def test_a_single_class_has_no_value() -> None:
    ranking = Ranking(np.array([1.0, 0.0]), np.array([0.2, 0.1]))
    assert np.isnan(ranking.average_precision(np.array([[0, 1]])))
    assert np.isnan(ranking.roc_auc(np.array([[1, 0], [0, 1]]))).all()


def test_resampling_draws_whole_books(monkeypatch) -> None:
    books = np.array(["a", "b", "a", "c", "b", "a"])
    resamples = Resamples.of(books, 200, seed=1)
    weights = resamples.apply(lambda weights: weights)
    for book in "abc":
        assert (weights[:, books == book].std(axis=1) == 0).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights.std(axis=0).min() > 0
    assert (Resamples.of(books, 200, seed=1).drawn == resamples.drawn).all()
    assert (resamples.apply(lambda weights: weights, np.array([3, 0])) == weights[:, [3, 0]]).all()
    monkeypatch.setattr(intervals, "AT_ONCE", 20)  # three resamples at a time
    assert (resamples.apply(lambda weights: weights) == weights).all()


def test_an_interval_by_hand() -> None:
    values = np.array([*range(1001), np.nan, np.inf])
    # With many groups, Student's t is the normal distribution.
    assert interval(values, 0.9, 10**9) == pytest.approx((50, 950), abs=1e-3)
    narrow, wide = interval(values, 0.9, 100), interval(values, 0.9, 10)
    assert wide[0] < narrow[0] < 50
    assert wide[1] > narrow[1] > 950
    low, high = interval(np.stack([values, values + 1], axis=1), 0.9, 10**9)
    assert low == pytest.approx([50, 51], abs=1e-3)
    assert high == pytest.approx([950, 951], abs=1e-3)


BOOKS, REVIEWS = 60, 5  # reviews of each book


def simulate(draw: np.random.Generator, books: int) -> tuple[np.ndarray, ...]:
    """Draw reviews' books, labels and two models' scores; a book shifts its labels and scores."""
    book = np.repeat(np.arange(books), REVIEWS)
    share = 1 / (1 + np.exp(1 - draw.normal(0, 0.5, books)[book]))
    labels = (draw.random(len(book)) < share).astype(np.float32)
    common = 0.7 * draw.normal(0, 1, len(book))
    models = [
        gain * labels + 0.5 * draw.normal(0, 1, books)[book] + common + draw.normal(0, 0.7, len(book))
        for gain in (1.5, 1.2)
    ]
    return book, labels, *models


def truths() -> dict[str, float]:
    """Compute the scores on enough books that they hardly vary."""
    _, labels, first, second = simulate(np.random.default_rng(1), 400_000)
    precision = [scores.average_precision(labels, p) for p in (first, second)]
    return {
        "average precision": precision[0],
        "roc_auc": scores.roc_auc(labels, first),
        "f1": scores.decision_scores(labels, first, 1.0)["f1"],
        "difference in average precision": precision[0] - precision[1],
    }


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Expect 570 of 600 95 % intervals, from 60 books each, to cover it, within three deviations."""
    truth = truths()
    covered = dict.fromkeys(truth, 0)
    for seed in range(600):
        book, labels, first, second = simulate(np.random.default_rng([7, seed]), BOOKS)
        resamples = Resamples.of(book, 400, seed)
        ranking = Ranking(labels, first)
        precision = resamples.apply(ranking.average_precision)
        others = resamples.apply(Ranking(labels, second).average_precision)
        values = {
            "average precision": precision,
            "roc_auc": resamples.apply(ranking.roc_auc),
            "f1": f1_of(resamples, labels, first >= 1),
            "difference in average precision": precision - others,
        }
        for name, resampled in values.items():
            low, high = interval(resampled, 0.95, BOOKS)
            covered[name] += low <= truth[name] <= high
    assert {name: count for name, count in covered.items() if not 554 <= count <= 586} == {}


MANY = 10**9  # groups


def test_holm_gives_the_clearest_difference_the_widest_interval() -> None:
    noise = np.random.default_rng(6).normal(0, 1, 5000)
    middle, clear, none = holm_intervals([noise + 2.5, noise + 9, noise], 0.95, MANY)
    assert [one.confidence for one in (clear, middle, none)] == pytest.approx([1 - 0.05 / 3, 0.975, 0.95])
    for one, centre in ((clear, 9), (middle, 2.5), (none, 0)):
        low, high = interval(noise + centre, one.confidence, MANY)
        assert (one.low, one.high) == (low, high)
    assert (clear.shown, middle.shown, none.shown) == (True, True, False)


def test_holm_stops_at_the_first_that_is_not_shown() -> None:
    """Stop at the clearest: it is not shown at 97.5 %, though each alone would be at 95 %."""
    noise = np.random.default_rng(6).normal(0, 1, 5000)
    first, second = holm_intervals([noise + 2.1, noise + 2.05], 0.95, MANY)
    assert first.low < 0 < second.low
    assert (first.shown, second.shown) == (False, False)
    (alone,) = holm_intervals([noise + 2.05], 0.95, MANY)
    assert alone.shown


def test_holm_finds_a_difference_where_there_is_none_as_rarely_as_it_says() -> None:
    """Simulate 400 studies of three differences, all of them 0."""
    draw = np.random.default_rng(7)
    found = 0
    for _ in range(400):
        observed = draw.normal(0, 1, 3)
        comparisons = holm_intervals(list(observed[:, None] + draw.normal(0, 1, (3, 1000))), 0.95, MANY)
        found += any(one.shown for one in comparisons)
    assert found <= 400 * 0.05 + 2 * np.sqrt(400 * 0.05 * 0.95)


def test_holm_for_p_values_by_hand() -> None:
    assert holm_p_values(np.array([0.02, 0.001, 0.9, 0.03])) == pytest.approx([0.06, 0.004, 0.9, 0.06])
    assert holm_p_values(np.array([0.6, 0.7])) == pytest.approx([1, 1])
    assert len(holm_p_values(np.array([]))) == 0


def test_sums_of_a_resample() -> None:
    books = np.array([4, 1, 4, 7, 1, 4])
    resamples = Resamples.of(books, 50, seed=2)
    values = np.random.default_rng(3).random((6, 2))
    assert resamples.sums(values) == pytest.approx(resamples.apply(lambda weights: weights @ values))


def test_trainings_are_drawn_with_the_variance_of_a_mean() -> None:
    """Check that drawn means of five have the variance of the mean as estimated from the five."""
    drawn = draw_trainings(5, 40_000, seed=1)
    assert drawn.sum(axis=1) == pytest.approx(1)
    values = np.array([0.1, 0.4, 0.2, 0.9, 0.3])
    assert np.var(drawn @ values) == pytest.approx(np.var(values, ddof=1) / 5, rel=0.05)
    assert (draw_trainings(1, 3, seed=1) == 1).all()


def test_degrees_of_freedom_follow_the_larger_part_of_the_variance() -> None:
    draw = np.random.default_rng(4)
    drawn = draw_trainings(5, 500, seed=1)
    by_book = draw.normal(0, 1, (500, 1))

    def groups(observed: np.ndarray, of_books: float) -> float:
        return over_trainings(observed, observed + of_books * by_book, drawn, 101).groups

    trainings = draw.normal(0, 1, 5)
    assert groups(np.zeros(5), 1.0) == pytest.approx(101)
    assert groups(trainings, 0.0) == pytest.approx(5)
    assert 5 < groups(trainings, 0.3) < 101
    alone = over_trainings(np.ones(1), 1 + by_book, draw_trainings(1, 500, seed=1), 101)
    assert (alone.mean, alone.groups) == (1, 101)
    assert (alone.values == 1 + by_book[:, 0]).all()


def test_detectable_differences_are_shown_as_often_as_they_say() -> None:
    """Simulate 500 studies with a true difference of that size and a standard error of 1."""
    draw = np.random.default_rng(8)
    noise = draw.normal(0, 1, 4000)
    size = Bootstrap(0, noise, MANY).detectable(0.95)
    assert size == pytest.approx(1.96 + 0.84, abs=0.1)
    low, _ = interval(noise, 0.95, MANY)
    shown = (draw.normal(size, 1, 500) + low > 0).sum()
    assert abs(shown - 400) < 3 * np.sqrt(500 * 0.8 * 0.2)


@pytest.mark.parametrize("of_trainings", [0.1, 1.0, 5.0])
def test_chance_of_a_training_is_not_taken_for_a_difference(of_trainings: float) -> None:
    """Simulate 600 comparisons of equal cells, each with five trainings and an error of 1 from books."""
    draw = np.random.default_rng(9)
    drawn, shown = draw_trainings(5, 400, seed=1), 0
    for _ in range(600):
        observed = draw.normal(0, 1) + of_trainings * draw.normal(0, 1, 5)
        found = over_trainings(observed, observed + draw.normal(0, 1, (400, 1)), drawn, 400)
        low, high = found.interval(0.95)
        shown += not low <= 0 <= high
    assert shown <= 600 * 0.05 + 3 * np.sqrt(600 * 0.05 * 0.95)
