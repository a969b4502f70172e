"""Measure speed and memory of the data stages on a file of the Goodreads file's size and shape.

`REVIEWS=100000 python -m bench.data` writes such a file (by default as many reviews as Goodreads has),
runs each stage on it in a fresh process, and puts a table into bench/README.md, with two baselines:

- the floor: decompress each line and parse its JSON, nothing else;
- today's way: pandas.read_json, a regular expression for the tokens, a Counter for the words and a
  dictionary for the ids, on the first reviews only, since it keeps all it reads in memory.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench import page
from bench.project import ROOT

FOLDER = ROOT / ".cache/bench"
HEADING = "## Data stages"
BEGIN, END = "<!-- data stages: begin -->", "<!-- data stages: end -->"
GOODREADS = 1_378_033  # reviews in goodreads_reviews_spoiler.json.gz
TODAY = 20_000  # reviews for today's way
STAGES = ("clean", "tokenize", "split")
RARE = 800_000  # words outside the pools
RAW = Path("data/raw/reviews.json.gz")


# The file.


def write_reviews(path: Path, reviews: int) -> None:
    """Write `reviews` records; each sentence joins two halves from pools, so that few are alike."""
    import numpy as np
    from isal import igzip

    draw = np.random.default_rng(0)
    heads = make_heads(draw, reviews)
    openings, closings = make_halves(draw, 150_000)
    path.parent.mkdir(parents=True)
    with igzip.open(path, "wb", compresslevel=1) as file:
        for start in range(0, reviews, 10_000):
            block = range(start, min(start + 10_000, reviews))
            # quartiles 3, 7 and 16 sentences, mean 13
            lengths = np.clip(np.exp(draw.normal(np.log(7.3), 1.15, len(block))), 1, 150).astype(int)
            ends = np.cumsum(lengths).tolist()
            left = draw.integers(len(openings), size=ends[-1]).tolist()
            right = draw.integers(len(closings), size=ends[-1]).tolist()
            sentences = [openings[i] + closings[j] for i, j in zip(left, right, strict=True)]
            texts = (sentences[end - n : end] for end, n in zip(ends, lengths.tolist(), strict=True))
            file.write(b"".join(map(record, block, heads, texts)))


def make_heads(draw, reviews: int) -> Iterator[tuple]:
    """Return what `record` needs of each review beside its number and its sentences."""
    import numpy as np

    users = np.sort(draw.integers(max(reviews // 73, 1), size=reviews))
    books = draw.zipf(1.2, reviews) % 25_475
    first, last = (np.datetime64(day).astype(int) for day in ("2007-01-01", "2017-11-01"))
    days = draw.integers(first, last, reviews).astype("datetime64[D]").astype(str)
    ratings = draw.integers(6, size=reviews)
    spoils = draw.random(reviews) < 0.065
    kinds = draw.random(reviews)
    names = draw.integers(2 * RARE, size=reviews)
    return zip(users, books, days, ratings, spoils, kinds, names, strict=True)


def record(number: int, head: tuple, sentences: list[bytes]) -> bytes:
    """Return a line of the file; `sentences` are pairs of a flag and a text as JSON."""
    user, book, day, rating, spoils, kind, name = head
    if name < RARE:  # every second review has a rare word
        sentences[-1] = b'%s %s."]' % (sentences[-1][:-2], spell(100_000 + name).encode())
    if spoils:  # the later half of the review
        half = len(sentences) // 2
        sentences[half:] = [b"[1" + sentence[2:] for sentence in sentences[half:]]
    elif kind < 0.015:
        sentences = [b'[0, "Review to come."]']
    elif kind < 0.03:
        sentences.insert(0, b'[0, "** spoiler alert **"]')
    return (
        b'{"user_id": "%032x", "timestamp": "%s", "review_sentences": [%s], "rating": %d,'
        b' "has_spoiler": %s, "book_id": "%d", "review_id": "%032x"}\n'
        % (
            int(user) * 0x9E3779B97F4A7C15,
            day.encode(),
            b", ".join(sentences),
            rating,
            b"true" if spoils else b"false",
            book,
            number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128,
        )
    )


def make_halves(draw, number: int) -> tuple[list[bytes], list[bytes]]:
    """Return beginnings `[0, "Words` and ends ` words."]` of sentences as JSON, ~7.5 words each."""
    import msgspec
    import numpy as np

    weights = 1 / (np.arange(100_000) + 2.7) ** 1.2  # Zipf-Mandelbrot law
    words = np.array([spell(rank) for rank in range(len(weights))], dtype=object)
    lengths = 1 + draw.poisson(6.5, 2 * number)
    ends = np.cumsum(lengths).tolist()
    tokens = words[draw.choice(len(weights), ends[-1], p=weights / weights.sum())].tolist()
    marks = draw.choice(
        ["", ",", "'s", " (2.5", " -", "\u00e9"], ends[-1], p=[0.87, 0.07, 0.04, 0.01, 0.009, 0.001]
    )
    tokens = [token + mark for token, mark in zip(tokens, marks.tolist(), strict=True)]
    halves = [" ".join(tokens[end - n : end]) for end, n in zip(ends, lengths.tolist(), strict=True)]
    stops = [".", "!", "?", "...", " http://example.org/a?b=1", " <b>so</b>.", " &amp; so."]
    stops = draw.choice(stops, number, p=[0.79, 0.1, 0.08, 0.02, 0.003, 0.004, 0.003])
    openings = [b"[0, " + msgspec.json.encode(half.capitalize())[:-1] for half in halves[:number]]
    closings = [
        b" " + msgspec.json.encode(half + stop)[1:] + b"]"
        for half, stop in zip(halves[number:], stops, strict=True)
    ]
    return openings, closings


def spell(rank: int) -> str:
    """Return a word for each rank, short for the frequent ones."""
    word = ""
    while rank or not word:
        rank, syllable = divmod(rank, 100)
        word += "bcdfghjklmnprstvwxyz"[syllable // 5] + "aeiou"[syllable % 5]
    return word + "stn"[len(word) % 3]


# What is measured.


def floor(reviews: int) -> None:
    import msgspec
    from isal import igzip

    with igzip.open(RAW) as file:
        for line in file:
            msgspec.json.decode(line)


def today(reviews: int) -> None:
    """Do the same job: clean, deduplicate, tokenize by sentence, split by book, assign ids."""
    import html
    import re
    from collections import Counter

    import numpy as np
    import pandas as pd

    replacements = [
        (re.compile(r"\((?:view|hide) spoiler\)"), " "),
        (re.compile(r"<[^<>]+>"), " "),
        (re.compile(r"(?:https?://|www\.)\S+"), "<url>"),
        (re.compile(r"[\s\x00-\x1f]+"), " "),
    ]
    token = re.compile(r"<[a-z]+>|\w+(?:'\w+)*|[^\w\s]")

    def normalise(text: str) -> str:
        text = html.unescape(text)
        for pattern, replacement in replacements:
            text = pattern.sub(replacement, text)
        return text.strip()

    table = pd.read_json(RAW, lines=True, nrows=TODAY, dtype={"book_id": str})
    pairs = table.pop("review_sentences")
    table["sentence_labels"] = [[bool(flag) for flag, _ in review] for review in pairs]
    table["sentences"] = [[normalise(text) for _, text in review] for review in pairs]
    table["text"] = table["sentences"].map(" ".join).str.lower()
    table = table[table["sentences"].str[0] != "** spoiler alert **"].drop_duplicates("text").copy()
    table["tokens"] = [[token.findall(text.lower()) for text in texts] for texts in table["sentences"]]
    books = np.random.default_rng(0).permutation(table["book_id"].unique())
    train = table["book_id"].isin(books[: int(0.7 * len(books))])
    counts = Counter(word for review in table["tokens"][train] for words in review for word in words)
    ids = {word: i for i, (word, _) in enumerate(counts.most_common(20_000), 2)}
    table["ids"] = [[ids.get(word, 1) for words in review for word in words] for review in table["tokens"]]
    table["sentence_lengths"] = [[len(words) for words in review] for review in table["tokens"]]
    table = table.drop(columns=["sentences", "text", "tokens"])
    table[train].to_parquet("train.parquet")
    table[~train].to_parquet("test.parquet")


class Measured(NamedTuple):
    name: str
    reviews: int
    seconds: float
    peak: float  # GB of resident memory


def measure(name: str, reviews: int, *command: str) -> Measured:
    """Run a command in a fresh process, in the temporary project."""
    began = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=FOLDER, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        sys.exit(f"{' '.join(command)} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(name, reviews, seconds, usage.ru_maxrss * unit / 1e9)


# The table.


def tabulate(rows: list[Measured], reviews: int) -> str:
    lines = [
        f"{reviews:,} synthetic reviews in {(FOLDER / RAW).stat().st_size / 1e6:,.0f} MB of gzip,"
        f" {os.cpu_count()} processors.",
        "",
        f"| | seconds | reviews/s | seconds for {GOODREADS:,} | peak memory, GB |",
        "|---|--:|--:|--:|--:|",
    ]
    for row in rows:
        speed = row.reviews / row.seconds
        lines.append(
            f"| {row.name} | {row.seconds:.1f} | {speed:,.0f} | {GOODREADS / speed:,.0f} | {row.peak:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    reviews = int(os.environ.get("REVIEWS", GOODREADS))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", FOLDER)
    try:
        measure("write", reviews, "bench.data", "write_reviews", str(reviews))
        stages = [measure(stage, reviews, f"stages.{stage}") for stage in STAGES]
        together = Measured(
            "together", reviews, sum(row.seconds for row in stages), max(row.peak for row in stages)
        )
        least = measure("floor: decompress and parse", reviews, "bench.data", "floor", str(reviews))
        few = min(reviews, TODAY)
        usual = measure(f"today's way, {few:,} reviews", few, "bench.data", "today", str(reviews))
        table = tabulate([*stages, together, least, usual], reviews)
        speed_up = (usual.seconds / few) / (together.seconds / reviews)
        table += f"\nThe three stages are {speed_up:.1f} times as fast per review as today's way.\n"
    finally:
        shutil.rmtree(FOLDER)
    print(table)
    page.put(HEADING, BEGIN, END, table)


STEPS = {"floor": floor, "today": today, "write_reviews": lambda reviews: write_reviews(RAW, reviews)}

if __name__ == "__main__":
    if len(sys.argv) > 1:  # in a child process
        STEPS[sys.argv[1]](int(sys.argv[2]))
    else:
        main()
