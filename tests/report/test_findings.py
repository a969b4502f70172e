"""The report's judging sentences: each branch is tried."""

import pytest

from spoilers.report.findings.cells import gru_against_lstm
from spoilers.report.findings.improvements import improvements
from spoilers.report.findings.leakage import known_books_help, leakage_findings
from spoilers.report.findings.models import chance_note
from spoilers.report.findings.reliability import warnings
from spoilers.report.findings.sentences import published_note
from spoilers.report.findings.slices import slice_findings


def pair(first: str, second: str, middle: float, low: float, high: float, **more) -> dict:
    shown = {"shown": int(low > 0 or high < 0), "detectable": 0.1}
    found = {"first": first, "second": second, "average_precision": middle, "low": low, "high": high}
    return {**found, **shown, **more}


def test_chance_of_a_training() -> None:
    assert "trained once" in chance_note([13])
    assert "trained with 5 seeds" in chance_note([13, 14, 15, 16, 17])


# The size of the data.


def sizes(reviews=1000, spoilers=250, books=100, users=500, known=0, train_reviews=4000) -> list[str]:
    split = {
        "train": {"reviews": train_reviews, "books": 300, "users": users},
        "test": {"books_seen_in_training": known},
    }
    return warnings(split, {"reviews": reviews, "spoilers": spoilers, "books": books, "users": 100})


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ({"spoilers": 12}, "only 12 spoilers"),
        ({"books": 17}, "over 17 test books"),
        ({"users": 7}, "by 7 users"),
        ({"users": 1}, "by a single user"),
        ({"known": 60}, "60 of the 100 test books are in training too"),
        ({"reviews": 100, "spoilers": 100, "train_reviews": 300}, "No book has a second review"),
    ],
)
def test_warnings(size: dict, words: str) -> None:
    (warning,) = sizes(**size)
    assert words in warning


def test_large_data_needs_no_warning() -> None:
    assert sizes() == []


# Leaks.


def leakage(book: tuple, random: tuple, lost=(0.1, 0.05, 0.15), length=0.28) -> dict:
    splits = {
        name: {
            **dict(zip(("average_precision", "low", "high"), scores, strict=True)),
            "prevalence": 0.25,
            "length_only": length,
            "of_known_books": float(name == "random"),
        }
        for name, scores in (("book", book), ("random", random))
    }
    word = {"reviews_with": 0.1, "spoilers_with": 0.3, "prevalence": 0.25}
    word |= {"average_precision": book[0], "average_precision_without": book[0] - lost[0]}
    word |= dict(zip(("lost", "lost_low", "lost_high"), lost, strict=True))
    shares = {"all": 0.03, "flagged": None, "others": 0.031}
    copies = {"sentences": {kind: {"copied": share} for kind, share in shares.items()}}
    return {"splits": splits, "word": word, "warnings": word, "copies": copies}


def test_leaks() -> None:
    book, copies, _, word, length = leakage_findings(leakage((0.65, 0.6, 0.7), (0.8, 0.75, 0.85)))
    assert book.startswith("A random split flatters")
    assert copies == "3.0% of the test's sentences stand word for word in training (3.1% of the others)."
    assert "is in 10% of the test reviews and 30% of those that spoil" in word
    assert "carries 25% of what TF-IDF has above chance" in word
    assert length.startswith("Length alone tells little or nothing")

    found = leakage((0.65, 0.6, 0.7), (0.68, 0.62, 0.74), lost=(0.01, -0.01, 0.03), length=0.61)
    book, copies, _, word, length = leakage_findings(found)
    assert book.startswith("No gain from knowing the book is shown")
    assert "that it carries any of the score is not shown" in word
    assert length.startswith("Length alone does about as well")
    assert not known_books_help(found)

    (book, *_) = leakage_findings(leakage((0.65, 0.6, 0.7), (0.5, 0.4, 0.55)))
    assert book.startswith("A random split does not flatter")

    single = leakage((0.65, 0.6, 0.7), (0.8, 0.75, 0.85))
    single["splits"]["random"]["of_known_books"] = 0.04
    assert leakage_findings(single)[0].startswith(
        "A random split has 4% of its test reviews from known books"
    )


def test_leaks_that_could_not_be_measured() -> None:
    found = leakage((0.65, 0.6, 0.7), (0.8, 0.75, 0.85))
    book, random = found["splits"]["book"], {"random": found["splits"]["random"]}
    assert len(leakage_findings(found | {"splits": {"book": book}})) == 4
    (only,) = leakage_findings({"splits": random, "word": None})
    assert "nothing could be measured" in only
    assert not known_books_help({"splits": random, "word": None})


# Slices.


def part(by: str, name: str, auc: float, low: float | None, high: float | None, **more) -> dict:
    sides = {} if low is None else {"low": low, "high": high}
    return {"by": by, "slice": name, "model": "lstm", "roc_auc": auc, "spoilers": 50, **sides, **more}


def test_slices() -> None:
    apart = [part("length", "short", 0.9, 0.85, 0.95), part("length", "long", 0.6, 0.5, 0.7)]
    near = [part("year", "2010", 0.8, 0.7, 0.9), part("year", "2011", 0.7, 0.6, 0.8)]
    unsure = [part("rating", "1 of 5", 0.2, None, None), part("rating", "5 of 5", 0.8, 0.7, 0.9)]
    one_kind = [part("book", "not seen in training", 0.8, 0.7, 0.9)]
    first, last = slice_findings(apart + near + unsure + one_kind)
    assert first.startswith("By review length, the LSTM is weakest at *long* (ROC-AUC 0.600, 0.500 to 0.700)")
    assert "strongest at *short*" in first
    assert last == "No such difference is shown by year."
    ratings = [part("rating", "4 of 5", 0.7, 0.6, 0.8), *unsure]
    assert slice_findings(near + ratings) == ["No such difference is shown by rating, nor by year."]
    both = [*one_kind, part("book", "seen in training", 0.8, 0.7, 0.9)]
    assert slice_findings(both) == ["No such difference is shown by whether the book was seen in training."]
    for too_little in (unsure, [*one_kind, near[0]], []):
        assert slice_findings(too_little)[0].startswith("No two parts have spoilers of enough books")


# Sentences.


def test_published_scores() -> None:
    assert "cannot be compared" in published_note("sample", 1.0)
    assert "cannot be compared" in published_note("data/tvtropes.json.gz", 1.0)
    assert "on the same file" in published_note("goodreads", 1.0)
    assert "of the books" not in published_note("goodreads", 1.0)
    assert "10% of the books" in published_note("/data/goodreads_reviews_spoiler.json.gz", 0.1)


# What would improve the results.

LOSSES = {cell: {"train_loss": 0.5, "validation_loss": 0.55} for cell in ("lstm", "gru")}
TRAINED = {cell: {"best_epoch": 3.0, "epochs": 6.0} for cell in ("lstm", "gru")}
SPLIT = {"train": {"unknown_tokens": 0.01}, "test": {"unknown_tokens": 0.011}}
BETTER = [pair("lstm", "tfidf", 0.05, 0.01, 0.09), pair("gru", "tfidf", 0.0, -0.1, 0.1)]
MODELS = {name: {"calibration_error": 0.03} for name in ("lstm", "gru", "tfidf")}
NO_LEAK = leakage((0.65, 0.6, 0.7), (0.68, 0.62, 0.74))


def improved(**changes) -> list[str]:
    comparison = {"pairs": BETTER, "models": MODELS, "test": {"spoilers": changes.pop("spoilers", 100)}}
    comparison |= {key: changes.pop(key) for key in ("pairs", "models") if key in changes}
    facts = {"losses": LOSSES, "trained": TRAINED, "split": SPLIT, "slices": [], "leakage": NO_LEAK}
    return improvements(comparison=comparison, **(facts | changes))


def test_little_to_improve() -> None:
    (only,) = improved()
    assert "A larger network" in only


OVERFIT = {"lstm": {"train_loss": 0.2, "validation_loss": 0.6}, "gru": LOSSES["gru"]}
LONG = [part("length", "short", 0.9, 0.85, 0.95), part("length", "long", 0.6, 0.5, 0.7)]
UNREAD = part("spoiler", "in the part that is not read", 0.6, None, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pairs": BETTER[1:]}, "neither network is shown to rank better than TF-IDF"),
        ({"split": SPLIT | {"test": {"unknown_tokens": 0.07}}}, "7.0% of the test words"),
        ({"slices": LONG}, "falls from 0.900 at short to 0.600 at long"),
        ({"slices": [UNREAD | {"spoilers": 6}]}, "6 of 100 spoilers stand where a long review is cut"),
        ({"leakage": leakage((0.65, 0.6, 0.7), (0.8, 0.75, 0.85))}, "*Knowing the book*"),
        (
            {"models": MODELS | {"lstm": {"calibration_error": 0.2}}},
            "calibration error LSTM 0.200;",
        ),
    ],
)
def test_what_would_improve(changes: dict, words: str) -> None:
    _, second = improved(**changes)
    assert words in second


@pytest.mark.parametrize(
    "changes",
    [
        {"split": SPLIT | {"train": {"unknown_tokens": 0.06}, "test": {"unknown_tokens": 0.07}}},
        {"slices": LONG[::-1]},  # weakest at the shortest
        {"slices": [UNREAD | {"spoilers": 4}]},
    ],
)
def test_what_would_not_improve(changes: dict) -> None:
    assert len(improved(**changes)) == 1


def test_few_spoilers() -> None:
    (only,) = improved(spoilers=12, losses=OVERFIT, slices=LONG)
    assert "with 12 spoilers in the test set" in only


def test_fit() -> None:
    over = improved(losses=OVERFIT)[0]
    assert "learned by heart" in over
    assert "LSTM: 0.200 on training, 0.600 on validation)" in over
    unfinished = {cell: {"best_epoch": 6.0, "epochs": 6.0} for cell in ("lstm", "gru")}
    assert "*Longer training*" in improved(trained=unfinished)[0]
    assert "learned by heart" in improved(trained=unfinished, losses=OVERFIT)[0]


# GRU against LSTM.


def cost(numbers: int, whole: int, best_epoch: float) -> dict:
    found = {"cell_parameters": numbers, "parameters": whole, "embedding_parameters": 300_000}
    return found | {"bytes": 4 * whole, "best_epoch": best_epoch, "epochs": 6.0}


def against(
    *pairs: dict, epochs: tuple[float, float] = (3, 3), wholes=(450_000, 430_000)
) -> dict[str, list[str]]:
    lstm, gru = (
        cost(numbers, whole, epoch)
        for numbers, whole, epoch in zip((66_560, 49_920), wholes, epochs, strict=True)
    )
    return gru_against_lstm({"cost": {"lstm": lstm, "gru": gru}, "pairs": list(pairs)})


LEVEL = pair("lstm", "gru", 0.0, -0.1, 0.1)


def side(found: dict[str, list[str]], words: str) -> str:
    (where,) = [name for name, texts in found.items() if any(words in text for text in texts)]
    return where


@pytest.mark.parametrize(
    ("difference", "where", "words"),
    [
        (LEVEL, "level", "no difference is shown"),
        (pair("lstm", "gru", -0.05, -0.09, -0.01), "pros", "the GRU ranks better"),
        (pair("lstm", "gru", 0.05, 0.01, 0.09), "cons", "the LSTM ranks better"),
    ],
)
def test_quality_of_the_cells(difference: dict, where: str, words: str) -> None:
    found = against(difference)
    assert side(found, "*Quality* at the same number of units") == where
    assert side(found, words) == where


def test_size_and_training_of_the_cells() -> None:
    found = against(LEVEL)
    assert side(found, "49,920 numbers in its cells against 66,560, which is 75%") == "pros"
    assert side(found, "the word embedding has 67%") == "level"
    assert side(found, "its best epoch was number 3") == "level"
    assert side(against(LEVEL, epochs=(4, 2)), "its best epoch was number 2") == "pros"
    assert side(against(LEVEL, epochs=(2, 4)), "its best epoch was number 4") == "cons"
    small = against(LEVEL, wholes=(100_000, 80_000))
    assert not any("word embedding" in text for texts in small.values() for text in texts)
