"""The embedded sample: its sentences, and the reviews made from them."""

import random
import re
from collections import Counter
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pytest
import yaml

from spoilers.corpus.sample import compose
from spoilers.corpus.sample.habits import Habits, type_sentence
from spoilers.corpus.sample.novels import FOLDER, load_novels
from spoilers.corpus.sample.sentences import Speaker, capitalize, load_opinions, load_stems

PATHS = sorted((FOLDER / "novels").glob("*.yaml"))
NOVELS = load_novels()
PLAIN = Habits("plain", contracts=False, careless=0.0)
FRAMED = [(kind, part) for kind, parts in load_opinions().items() for part in parts if part != "bare"]
# An unfilled slot, a doubled space or word, two articles in a row, misplaced punctuation.
UNEVEN = re.compile(r"[{}]|  | [.,?!]|[.,?!][.,]|\b(an?|the) (an?|the)\b|\b(?!had |that |her )(\w+ )\3")


@pytest.fixture(scope="module")
def reviews() -> list[dict]:
    return list(compose.compose(3000, 0.25, seed=7))


def sentences(review: dict) -> list[str]:
    return [text for _, text in review["review_sentences"]]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_novel_has_what_it_owes(path) -> None:
    novel = yaml.safe_load(path.read_text(encoding="ascii"))
    needed = ["title", "author", "year", "people", "places", "objects", "scenes", "kinds", "themes"]
    needed += ["spoilers", "twists", "events", "hard"]
    assert [key for key in novel if key not in ("couples", "foe")] == needed
    assert list(novel["hard"]) == ["guesses", "rumours", "questions", "openings"]
    hard = [sentence for kind in novel["hard"].values() for sentence in kind]
    assert min(map(len, novel["hard"].values())) >= 1
    assert min(len(novel["spoilers"]), len(novel["events"])) >= 10
    assert min(len(novel["scenes"]), len(novel["twists"])) >= 5
    assert min(len(novel["people"]), len(novel["places"]), len(novel["objects"])) >= 4
    assert len(hard) >= 6
    for sentence in (*novel["spoilers"], *novel["events"], *hard):
        assert 5 <= len(sentence.split()) <= 40
        assert re.search(r'^[A-Z].*[.!?]"?$', sentence), sentence
        assert "spoil" not in sentence.lower()


@pytest.mark.parametrize("novel", NOVELS, ids=lambda novel: novel.title)
def test_a_novel_knows_its_people(novel) -> None:
    """Find in the novel's sentences each person who fills a slot, so no name strays into another novel."""
    told = " ".join((*novel.plot, *novel.twists, *novel.words["scene"]))
    for person in (*novel.people, *novel.foes, *(who for pair in novel.couples for who in pair)):
        assert any(re.search(rf"\b{re.escape(word)}\b", told) for word in person.name.split()[-1:]), person
        assert person in novel.people


def test_no_sentence_and_no_scene_is_used_twice() -> None:
    texts = [text for n in NOVELS for text in (*n.plot, *n.twists, *n.words["scene"])]
    texts += [text for parts in load_opinions().values() for part in parts.values() for text in part]
    assert [text for text, times in Counter(texts).items() if times > 1] == []
    assert len({novel.book_id for novel in NOVELS}) == len(NOVELS) >= 98


def test_the_kinds_are_of_one_length() -> None:
    """Let only the content tell a spoiler from another sentence."""
    for kinds in ([[n.spoilers for n in NOVELS], [n.events for n in NOVELS], [n.hard for n in NOVELS]],
                  [[n.twists for n in NOVELS], [n.words["scene"] for n in NOVELS]]):  # fmt: skip
        means = [np.mean([len(text.split()) for texts in kind for text in texts]) for kind in kinds]
        assert max(means) / min(means) < 1.5


@pytest.mark.parametrize("novel", NOVELS, ids=lambda novel: novel.title)
def test_every_frame_fits(novel) -> None:
    speaker = Speaker(random.Random(1), novel)
    for kind, part in FRAMED:
        frames = [f for f in load_opinions()[kind][part] if not any(slot in f for slot in novel.lacks)]
        assert len(frames) >= 10
        for frame in frames:
            text = capitalize(speaker.fill(frame, **({"clause": "it rains"} if "{clause" in frame else {})))
            text = f"It rains{text}" if part in ("tails", "closings") else text
            assert re.search(r"^[A-Z].*[.!?]$", text), text
            assert not UNEVEN.search(text), text
            assert not re.search(r"\ba [aeio]|\ban [^aeiouhA-Z]", text), text
    for kind, part in FRAMED:
        if part == "frames" and kind == "scenes":
            for scene in (*novel.twists, *novel.words["scene"]):
                assert scene.lower() in speaker.mention(scene).lower()


def test_frames_without_a_slot_are_rare() -> None:
    frames = [frame for kind, part in FRAMED for frame in load_opinions()[kind][part] if part == "frames"]
    assert np.mean(["{" not in frame for frame in frames]) < 0.02
    assert all(
        "{" in tail for kind, part in FRAMED if part == "tails" for tail in load_opinions()[kind][part]
    )
    assert all(len(load_stems(kind)) >= 25 for kind, part in FRAMED if part == "tails")


def test_sentences_read_evenly(reviews) -> None:
    for review in reviews:
        for text in sentences(review):
            if text != compose.BANNER:
                assert not UNEVEN.search(text), text
                assert re.search(r'^[A-Za-z].*[.!?]"?$', text), text


@pytest.mark.parametrize("novel", NOVELS, ids=lambda novel: novel.title)
def test_a_retold_sentence_keeps_its_words(novel) -> None:
    speaker = Speaker(random.Random(2), novel)
    for statement in (*novel.spoilers, *novel.events):
        told = speaker.retell(statement)
        assert re.search(r'^[A-Z].*[.!?]"?$', told) and not UNEVEN.search(told), told
        names = {word for person in novel.people for word in person.name.split()}
        content = set(re.findall(r"\b[a-z]{4,}\b", statement)) - names
        assert content <= set(re.findall(r"[a-z]+", told.lower()))


def test_nobody_repeats_a_frame_before_all_are_used() -> None:
    speaker = Speaker(random.Random(3), NOVELS[0])
    frames = [speaker.frame("people", "frames") for _ in range(60)]
    assert len(set(frames)) == 60


def test_other_names_are_not_put_beside_titles_and_surnames() -> None:
    emma = next(novel for novel in NOVELS if novel.title == "Emma")
    for seed in range(40):
        speaker = Speaker(random.Random(seed), emma)
        assert speaker.rename("Mr. Knightley walks in.") == "Mr. Knightley walks in."
        assert speaker.rename("Then Emma Woodhouse laughs.") == "Then Emma Woodhouse laughs."
    renamed = {
        Speaker(random.Random(seed), emma).rename("The letter comes from Frank.") for seed in range(40)
    }
    assert renamed == {"The letter comes from Frank.", "The letter comes from Frank Churchill."}


def test_equal_arguments_give_equal_bytes(tmp_path) -> None:
    for name in ("a", "b"):
        compose.write(tmp_path / name, 200, 0.25, seed=3)
    compose.write(tmp_path / "c", 200, 0.25, seed=4)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_labels_follow_the_sentences(reviews) -> None:
    for review in reviews:
        flags = [flag for flag, _ in review["review_sentences"]]
        assert review["has_spoiler"] == any(flags)
        assert sum(a != b for a, b in pairwise([0, *flags, 0])) <= 2, "flagged sentences stand together"
        assert not (review["has_spoiler"] and sentences(review)[0] == compose.BANNER)


def test_only_spoiler_reviews_name_a_twist(reviews) -> None:
    twists = {novel.book_id: [twist.lower() for twist in novel.twists] for novel in NOVELS}
    told = 0
    for review in reviews:
        banner = sentences(review)[0] == compose.BANNER
        for flag, text in review["review_sentences"]:
            if any(twist in text.lower() for twist in twists[review["book_id"]]):
                assert flag or banner, text
                told += 1
    assert told > 100


def test_shape(reviews) -> None:
    lengths = np.array([len(sentences(review)) for review in reviews])
    assert 0.21 < np.mean([review["has_spoiler"] for review in reviews]) < 0.29
    assert 4 <= np.quantile(lengths, 0.5) <= 10
    assert lengths.max() > 4 * np.median(lengths)
    assert 0.005 < np.mean([sentences(r)[0] == compose.BANNER for r in reviews]) < 0.03
    assert {review["rating"] for review in reviews} == set(range(6))
    users = [review["user_id"] for review in reviews]
    assert len(set(users)) == 1 + sum(a != b for a, b in pairwise(users)), (
        "a user's reviews follow each other"
    )
    shelves = Counter((review["user_id"], review["book_id"]) for review in reviews)
    assert max(shelves.values()) == 1, "nobody reviews a book twice"
    placeholders = {text.lower() for text in load_opinions()["placeholders"]["bare"]}
    assert any(sentences(review)[0].lower() in placeholders for review in reviews)


def as_tokens(text: str) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


@pytest.mark.parametrize("seed", [13, 14])
def test_few_sentences_of_the_test_stand_in_training(seed) -> None:
    parts = {True: set(), False: []}
    for review in compose.compose(3000, 0.25, seed):
        draw = int.from_bytes(blake2b(f"{seed} {review['book_id']}".encode(), digest_size=4).digest()) / 2**32
        for flag, text in review["review_sentences"]:
            if draw < 0.7:
                parts[True].add(as_tokens(text))
            elif draw >= 0.85 and text != compose.BANNER:
                parts[False].append((flag, as_tokens(text)))
    for label in (0, 1):
        copied = [text in parts[True] for flag, text in parts[False] if flag == label]
        assert len(copied) > 100
        assert np.mean(copied) < 0.05


def test_flagged_sentences_hardly_repeat_within_a_book(reviews) -> None:
    flagged = [(r["book_id"], text) for r in reviews for flag, text in r["review_sentences"] if flag]
    assert len(set(flagged)) > 0.95 * len(flagged)


def test_announcements_are_often_false() -> None:
    """A line that announces spoilers must not give the label away."""
    frames = [
        re.escape(text[:-1].lower()) for text in load_opinions()["warnings"]["bare"] if text.endswith(".")
    ]
    warning = re.compile("|".join(frames))
    kept = [r for r in compose.compose(3000, 0.25, 5) if sentences(r)[0] != compose.BANNER]
    labels = [r["has_spoiler"] for r in kept if warning.search(" ".join(sentences(r)).lower())]
    assert len(labels) > 20
    assert 0.35 < np.mean(labels) < 0.75


@pytest.mark.parametrize(
    ("habits", "typed"),
    [
        (PLAIN, "I am sure that it is not over."),
        (Habits("plain", contracts=True, careless=0.0), "I'm sure that it isn't over."),
        (Habits("excited", contracts=False, careless=0.0), "I am sure that it is not over!"),
        (Habits("lower-case", contracts=True, careless=0.0), "i'm sure that it isn't over."),
    ],
)
def test_users_type_by_habit(habits, typed) -> None:
    assert type_sentence(random.Random(0), habits, "I am sure that it is not over.") == typed


def test_the_careless_slip() -> None:
    careless = Habits("plain", contracts=False, careless=1.0)
    assert type_sentence(random.Random(0), careless, "Until then.") == "Until then."
    assert type_sentence(random.Random(0), careless, "Not until then.") == "Not untill then."
