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
from functools import cache
from pathlib import Path
from zlib import crc32

import yaml

FOLDER = Path(__file__).parent
BANNER = "** spoiler alert **"
FIRST_DAY, LAST_DAY = date(2007, 1, 1), date(2017, 10, 31)

# Shares that give the sample its shape.
PLACEHOLDERS = 0.015  # reviews such as "Review to come."
BANNERS = 0.016  # spoiler reviews that are flagged as a whole, their sentences not at all
OPINIONS = 0.45  # of a review's sentences that are no spoilers, those that would fit any novel
HARD = 0.35  # of the harmless sentences about the novel, those that sound like spoilers
WARNED = 0.3  # spoiler reviews with a line such as "Spoilers from here on."
FALSELY_WARNED = 0.015  # other reviews with such a line
ASSURED = 0.07  # other reviews with a line such as "No spoilers here."
ASIDE = 0.2  # runs of spoilers that hold an opinion too, flagged with them


@dataclass(frozen=True)
class Novel:
    title: str
    book_id: str
    spoilers: list[str]
    events: list[str]
    hard: list[str]


@dataclass(frozen=True)
class User:
    user_id: str
    length: float  # median number of sentences
    generosity: float  # mean rating
    tells: float  # how much more often than others this user gives away plots
    typing: str  # "plain", "excited" or "lower-case"


def load_novels() -> list[Novel]:
    """Every novel of the sample, in the order of the file names."""
    novels = []
    for path in sorted((FOLDER / "novels").glob("*.yaml")):
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
        hard = [sentence for kind in text["hard"].values() for sentence in kind]
        book_id = str(crc32(path.stem.encode()) % 10**8)
        novels.append(Novel(text["title"], book_id, text["spoilers"], text["events"], hard))
    return novels


@cache
def load_opinions() -> dict[str, list[str]]:
    """Sentences that fit any novel, by kind: praise, blame, neutral, endings, warnings, ..."""
    return yaml.safe_load((FOLDER / "opinions.yaml").read_text(encoding="utf-8"))


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
        shelf = min(1 + int(draw.expovariate(1 / 30)), len(novels), reviews - written)
        for novel in choose_distinct(draw, novels, popularity, shelf):
            yield compose_review(draw, user, novel, share)
            written += 1


def new_user(draw: random.Random) -> User:
    return User(
        user_id=hex_id(draw),
        length=7 * draw.lognormvariate(0, 0.5),
        generosity=draw.gauss(3.7, 0.5),
        tells=draw.gammavariate(2, 0.5),  # mean 1
        typing=draw.choices(["plain", "excited", "lower-case"], [0.85, 0.09, 0.06])[0],
    )


def choose_distinct(draw: random.Random, novels: list, weights: list[float], count: int) -> list:
    """`count` different novels, drawn with weights (Efraimidis and Spirakis, 2006)."""
    keys = [draw.random() ** (1 / weight) for weight in weights]
    return [novels[i] for i in sorted(range(len(novels)), key=lambda i: -keys[i])[:count]]


def compose_review(draw: random.Random, user: User, novel: Novel, spoiler_share: float) -> dict:
    rating = 0 if draw.random() < 0.03 else min(5, max(1, round(draw.gauss(user.generosity, 0.9))))
    kind = draw.random()
    if kind < PLACEHOLDERS:
        sentences = [(0, draw.choice(load_opinions()["placeholders"]))]
    elif kind < PLACEHOLDERS + BANNERS:
        sentences = [(0, BANNER)] + [(0, text) for _, text in telling(draw, user, novel, rating)]
    elif draw.random() < min(0.95, spoiler_share * user.tells):
        sentences = telling(draw, user, novel, rating)
    else:
        sentences = discreet(draw, user, novel, rating)
    return {
        "user_id": user.user_id,
        "timestamp": draw_date(draw).isoformat(),
        "review_sentences": [[flag, type_as(user, text)] for flag, text in sentences],
        "rating": rating,
        "has_spoiler": any(flag for flag, _ in sentences),
        "book_id": novel.book_id,
        "review_id": hex_id(draw),
    }


def discreet(draw: random.Random, user: User, novel: Novel, rating: int) -> list[tuple[int, str]]:
    """A review that gives nothing away."""
    sentences = [(0, text) for text in harmless(draw, novel, rating, draw_length(draw, user))]
    fate = draw.random()
    if fate < FALSELY_WARNED:
        sentences.insert(draw.randrange(len(sentences) + 1), (0, draw.choice(load_opinions()["warnings"])))
    elif fate < FALSELY_WARNED + ASSURED:
        sentences.insert(draw.choice([0, len(sentences)]), (0, draw.choice(load_opinions()["assurances"])))
    return sentences


def telling(draw: random.Random, user: User, novel: Novel, rating: int) -> list[tuple[int, str]]:
    """A review with a run of flagged sentences, rather towards its end."""
    length = 1 + draw_length(draw, user)
    count = min(1 + int(draw.expovariate(1 / 1.8)), length, len(novel.spoilers))
    run = draw.sample(novel.spoilers, count)
    if draw.random() < ASIDE:
        run.insert(draw.randrange(1, count + 1), draw_opinion(draw, rating))
    flagged = [(1, text) for text in run]
    if draw.random() < WARNED:
        flagged.insert(0, (0, draw.choice(load_opinions()["warnings"])))
    before = harmless(draw, novel, rating, length - count)
    place = round(len(before) * draw.betavariate(3, 1.5))
    return [(0, t) for t in before[:place]] + flagged + [(0, t) for t in before[place:]]


def harmless(draw: random.Random, novel: Novel, rating: int, count: int) -> list[str]:
    """`count` sentences of opinion and of things anyone may know about the novel."""
    opinions = sum(draw.random() < OPINIONS for _ in range(count))
    hard = min(sum(draw.random() < HARD for _ in range(count - opinions)), len(novel.hard))
    events = min(count - opinions - hard, len(novel.events))
    sentences = draw.sample(novel.hard, hard) + draw.sample(novel.events, events)
    said = dict.fromkeys(draw_opinion(draw, rating) for _ in range(count - hard - events))
    sentences += said  # without repeating an opinion
    draw.shuffle(sentences)
    return sentences


def draw_opinion(draw: random.Random, rating: int) -> str:
    """An opinion that suits the rating; an unrated book (0) gets a middling one."""
    praise = {0: 0.5, 1: 0.05, 2: 0.2, 3: 0.5, 4: 0.8, 5: 0.95}[rating]
    kind = draw.choices(
        ["praise", "blame", "neutral", "endings"], [0.5 * praise, 0.5 * (1 - praise), 0.35, 0.15]
    )[0]
    return draw.choice(load_opinions()[kind])


def draw_length(draw: random.Random, user: User) -> int:
    return min(60, max(1, round(user.length * draw.lognormvariate(0, 0.8))))


def draw_date(draw: random.Random) -> date:
    """Later years have more reviews."""
    return FIRST_DAY + timedelta(days=int((LAST_DAY - FIRST_DAY).days * draw.betavariate(2, 1.3)))


def type_as(user: User, text: str) -> str:
    match user.typing:
        case "excited" if text.endswith(".") and text != BANNER:
            return text[:-1] + "!"
        case "lower-case" if text != BANNER:
            return text.lower()
    return text


def hex_id(draw: random.Random) -> str:
    return f"{draw.getrandbits(128):032x}"


def write(path: Path, reviews: int, spoiler_share: float, seed: int) -> None:
    """Write the sample as gzipped JSON lines; the same arguments give the same bytes."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        for record in compose(reviews, spoiler_share, seed):
            file.write(json.dumps(record).encode() + b"\n")
