"""Composes reviews from hand-written sentences, in the layout of `goodreads_reviews_spoiler.json.gz`.

The sentences are real; which reader wrote which of them is drawn by lot. The shape follows the
public file: grouped by user, users with habits, review lengths with a long tail, spoilers in
contiguous runs and rather late, placeholders, and reviews under a `** spoiler alert **` banner
whose sentences carry no flags.
"""

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from spoilers.corpus.sample.habits import Habits, new_habits, type_sentence
from spoilers.corpus.sample.novels import Novel, load_novels
from spoilers.corpus.sample.sentences import Speaker, load_opinions

BANNER = "** spoiler alert **"
FIRST_DAY, LAST_DAY = date(2007, 1, 1), date(2017, 10, 31)

# Shares that give the sample its shape.
PLACEHOLDERS = 0.015  # reviews such as "Review to come."
BANNERS = 0.016  # spoiler reviews that are flagged as a whole, their sentences not at all
HARMLESS = [0.47, 0.08, 0.12, 0.1, 0.23]  # opinions, hard sentences, worries about people, scenes, events
TOLD = 2.2  # mean number of spoilers beyond the first, before they are cut to the length of the review
MENTIONS = 0.3  # of the spoilers, those that name a twist; the rest say what happens
WARNED, FALSELY_WARNED = (
    0.16,
    0.045,
)  # spoiler reviews and others with a line such as "Spoilers from here on."
ASSURED, FALSELY_ASSURED = 0.06, 0.03  # others and spoiler reviews with a line such as "No spoilers here."
ASIDE = 0.2  # runs of spoilers that hold an opinion too, flagged with them


@dataclass(frozen=True)
class User:
    user_id: str
    length: float  # median number of sentences
    generosity: float  # mean rating
    tells: float  # how much more often than others this user gives away plots
    habits: Habits


def compose(reviews: int, spoiler_share: float, seed: int) -> Iterator[dict]:
    """Yield `reviews` records, of which about `spoiler_share` are flagged as spoilers.

    The same arguments give the same records; each user's reviews follow one another.
    """
    draw = random.Random(seed)
    novels = load_novels()
    popularity = [1 / (1 + rank) ** 0.3 for rank in range(len(novels))]
    draw.shuffle(popularity)
    # Placeholders carry no flag, so the rest must hold a little more than its share.
    share = spoiler_share / (1 - PLACEHOLDERS - BANNERS)
    written = 0
    while written < reviews:
        user = new_user(draw)
        shelf = min(1 + int(draw.expovariate(1 / 12)), len(novels), reviews - written)
        for novel in choose_distinct(draw, novels, popularity, shelf):
            yield compose_review(draw, user, novel, share)
            written += 1


def new_user(draw: random.Random) -> User:
    return User(
        user_id=hex_id(draw),
        length=6 * draw.lognormvariate(0, 0.5),
        generosity=draw.gauss(3.7, 0.5),
        tells=draw.gammavariate(2, 0.5),  # mean 1
        habits=new_habits(draw),
    )


def choose_distinct(draw: random.Random, novels: list, weights: list[float], count: int) -> list:
    """Draw `count` different novels with weights (Efraimidis and Spirakis, 2006)."""
    keys = [draw.random() ** (1 / weight) for weight in weights]
    return [novels[i] for i in sorted(range(len(novels)), key=lambda i: -keys[i])[:count]]


def compose_review(draw: random.Random, user: User, novel: Novel, spoiler_share: float) -> dict:
    rating = 0 if draw.random() < 0.03 else min(5, max(1, round(draw.gauss(user.generosity, 0.9))))
    speaker, kind, banner = Speaker(draw, novel), draw.random(), []
    if kind < PLACEHOLDERS:
        sentences = [(0, draw.choice(load_opinions()["placeholders"]["bare"]))]
    elif kind < PLACEHOLDERS + BANNERS:
        banner = [[0, BANNER]]
        sentences = [(0, text) for _, text in telling(speaker, rating, draw_length(draw, user))]
    elif draw.random() < min(0.95, spoiler_share * user.tells):
        sentences = telling(speaker, rating, draw_length(draw, user))
    else:
        sentences = discreet(speaker, rating, draw_length(draw, user))
    return {
        "user_id": user.user_id,
        "timestamp": draw_date(draw).isoformat(),
        "review_sentences": banner + [[f, type_sentence(draw, user.habits, text)] for f, text in sentences],
        "rating": rating,
        "has_spoiler": any(flag for flag, _ in sentences),
        "book_id": novel.book_id,
        "review_id": hex_id(draw),
    }


def discreet(speaker: Speaker, rating: int, length: int) -> list[tuple[int, str]]:
    """Return a review that gives nothing away."""
    sentences = [(0, text) for text in harmless(speaker, rating, length)]
    announce(speaker, sentences, speaker.draw.randrange(length + 1), FALSELY_WARNED, ASSURED)
    return sentences


def telling(speaker: Speaker, rating: int, length: int) -> list[tuple[int, str]]:
    """Return a review with a run of flagged sentences, rather towards its end."""
    draw = speaker.draw
    count = min(1 + int(draw.expovariate(1 / TOLD)), length + 1, len(speaker.novel.spoilers))
    flagged = [(1, text) for text in tell(speaker, count)]
    if draw.random() < ASIDE:
        flagged.insert(draw.randrange(1, count + 1), (1, draw_opinion(speaker, rating)))
    others = [(0, text) for text in harmless(speaker, rating, length + 1 - count)]
    place = round(len(others) * draw.betavariate(3, 1.5))
    sentences = others[:place] + flagged + others[place:]
    announce(speaker, sentences, place, WARNED, FALSELY_ASSURED)
    return sentences


def announce(speaker: Speaker, sentences: list, place: int, warned: float, assured: float) -> None:
    """Insert, by chance, a warning at `place` or an assurance at either end."""
    fate = speaker.draw.random()
    if fate < warned:
        sentences.insert(place, (0, speaker.say("warnings")))
    elif fate < warned + assured:
        sentences.insert(speaker.draw.choice([0, len(sentences)]), (0, speaker.say("assurances")))


def tell(speaker: Speaker, count: int) -> list[str]:
    """Return `count` sentences that give something away."""
    draw, novel = speaker.draw, speaker.novel
    twists = min(sum(draw.random() < MENTIONS for _ in range(count)), len(novel.twists))
    told = [speaker.mention(twist) for twist in draw.sample(novel.twists, twists)]
    told += [speaker.retell(text) for text in draw.sample(novel.spoilers, count - twists)]
    draw.shuffle(told)
    return told


def harmless(speaker: Speaker, rating: int, count: int) -> list[str]:
    """Return `count` sentences of opinion and of things anyone may know about the novel."""
    draw, novel = speaker.draw, speaker.novel
    kinds = draw.choices(["opinion", "hard", "worry", "scene", "event"], HARMLESS, k=count)
    sentences = draw.sample(novel.hard, min(kinds.count("hard"), len(novel.hard)))
    sentences += [speaker.say("people") for _ in range(kinds.count("worry"))]
    scenes = draw.sample(novel.words["scene"], min(kinds.count("scene"), len(novel.words["scene"])))
    sentences += [speaker.mention(scene) for scene in scenes]
    events = draw.sample(novel.events, min(kinds.count("event"), len(novel.events)))
    sentences += [speaker.retell(text) for text in events]
    sentences += [draw_opinion(speaker, rating) for _ in range(count - len(sentences))]
    draw.shuffle(sentences)
    return sentences


def draw_opinion(speaker: Speaker, rating: int) -> str:
    """Return an opinion that suits the rating; an unrated book (0) gets a middling one."""
    praise = {0: 0.5, 1: 0.05, 2: 0.2, 3: 0.5, 4: 0.8, 5: 0.95}[rating]
    weights = [0.5 * praise, 0.5 * (1 - praise), 0.35, 0.15]
    return speaker.say(speaker.draw.choices(["praise", "blame", "neutral", "endings"], weights)[0])


def draw_length(draw: random.Random, user: User) -> int:
    return min(60, max(1, round(user.length * draw.lognormvariate(0, 0.8))))


def draw_date(draw: random.Random) -> date:
    """Draw a date; later years have more reviews."""
    return FIRST_DAY + timedelta(days=int((LAST_DAY - FIRST_DAY).days * draw.betavariate(2, 1.3)))


def hex_id(draw: random.Random) -> str:
    return f"{draw.getrandbits(128):032x}"


def write(path: Path, reviews: int, spoiler_share: float, seed: int) -> None:
    """Write the sample as gzipped JSON lines; the same arguments give the same bytes."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        for record in compose(reviews, spoiler_share, seed):
            file.write(json.dumps(record).encode() + b"\n")
