"""The embedded sample: its sentences, and the reviews composed of them."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import yaml

from spoilers.corpus.sample import compose

NOVELS = sorted((compose.FOLDER / "novels").glob("*.yaml"))
REVIEWS = list(compose.compose(3000, 0.25, seed=7))


def sentences(review: dict) -> list[str]:
    return [text for _, text in review["review_sentences"]]


@pytest.mark.parametrize("path", NOVELS, ids=lambda path: path.stem)
def test_a_novel_has_what_it_owes(path) -> None:
    novel = yaml.safe_load(path.read_text(encoding="ascii"))
    assert list(novel) == ["title", "author", "year", "spoilers", "events", "hard"]
    assert list(novel["hard"]) == ["guesses", "rumours", "questions", "openings"]
    hard = [sentence for kind in novel["hard"].values() for sentence in kind]
    assert min(map(len, novel["hard"].values())) >= 1
    assert len(novel["spoilers"]) >= 10
    assert len(novel["events"]) >= 10
    assert len(hard) >= 6
    for sentence in (*novel["spoilers"], *novel["events"], *hard):
        assert 5 <= len(sentence.split()) <= 40
        assert re.search(r'[.!?]"?$', sentence), sentence
        assert "spoil" not in sentence.lower()


def test_no_sentence_is_used_twice() -> None:
    texts = [text for n in compose.load_novels() for text in (*n.spoilers, *n.events, *n.hard)]
    texts += [text for kind in compose.load_opinions().values() for text in kind]
    assert [text for text, times in Counter(texts).items() if times > 1] == []


def test_the_three_kinds_are_of_one_length() -> None:
    """Nothing but what is said should tell a spoiler from another sentence."""
    novels = compose.load_novels()
    means = [
        np.mean([len(text.split()) for novel in novels for text in getattr(novel, kind)])
        for kind in ("spoilers", "events", "hard")
    ]
    assert max(means) / min(means) < 1.2


def test_at_least_48_novels_each_with_its_own_id() -> None:
    novels = compose.load_novels()
    assert len(novels) >= 48
    assert len({novel.book_id for novel in novels}) == len(novels)


def test_equal_arguments_give_equal_bytes(tmp_path) -> None:
    for name in ("a", "b"):
        compose.write(tmp_path / name, 200, 0.25, seed=3)
    compose.write(tmp_path / "c", 200, 0.25, seed=4)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_labels_follow_the_sentences() -> None:
    spoilers = {text.lower() for novel in compose.load_novels() for text in novel.spoilers}
    for review in REVIEWS:
        flags = [flag for flag, _ in review["review_sentences"]]
        assert review["has_spoiler"] == any(flags)
        # An aside among the flagged is the only flagged sentence that is no spoiler; spoilers
        # without a flag are under a banner.
        told = [bool({text.lower(), text[:-1].lower() + "."} & spoilers) for text in sentences(review)]
        if review["has_spoiler"]:
            assert sum(told) >= sum(flags) - 1
            assert all(flag for flag, is_told in zip(flags, told, strict=True) if is_told)
        elif any(told):
            assert sentences(review)[0] == compose.BANNER


def test_flagged_sentences_stand_together() -> None:
    for review in REVIEWS:
        flags = [flag for flag, _ in review["review_sentences"]]
        assert sum(a != b for a, b in pairwise([0, *flags, 0])) <= 2


def test_shape() -> None:
    lengths = np.array([len(sentences(review)) for review in REVIEWS])
    assert 0.22 < np.mean([review["has_spoiler"] for review in REVIEWS]) < 0.28
    assert 4 <= np.quantile(lengths, 0.5) <= 10
    assert lengths.max() > 4 * np.median(lengths)
    assert 0.005 < np.mean([sentences(r)[0] == compose.BANNER for r in REVIEWS]) < 0.03
    assert {review["rating"] for review in REVIEWS} == set(range(6))
    users = [review["user_id"] for review in REVIEWS]
    assert len(set(users)) == 1 + sum(a != b for a, b in pairwise(users)), (
        "a user's reviews follow each other"
    )
    shelves = Counter((review["user_id"], review["book_id"]) for review in REVIEWS)
    assert max(shelves.values()) == 1, "nobody reviews a book twice"
    placeholders = set(map(str.lower, compose.load_opinions()["placeholders"]))
    assert any(sentences(review)[0].lower() in placeholders for review in REVIEWS)
