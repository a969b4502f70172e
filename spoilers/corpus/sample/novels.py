"""The novels: what happens in them, and the people, places and things that readers name."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import yaml

FOLDER = Path(__file__).parent
CASES = {"he": ("him", "his"), "she": ("her", "her")}


@dataclass(frozen=True)
class Person:
    """Someone who has a name and a pronoun; frames write `{hero}`, `{hero.him}` and so on."""

    name: str
    he: str
    others: tuple[str, ...] = ()  # other names of the same person

    def __str__(self) -> str:
        return self.name

    @property
    def him(self) -> str:
        return CASES[self.he][0]

    @property
    def his(self) -> str:
        return CASES[self.he][1]


@dataclass(frozen=True)
class Novel:
    title: str
    book_id: str
    author: Person
    people: list[Person]  # the hero first
    couples: list[tuple[Person, Person]]  # whom readers suspect of being in love
    foes: list[Person]
    words: dict[str, list[str]]  # fillers by slot: place, object, scene, kind, theme, book
    spoilers: list[str]
    twists: list[str]  # noun phrases that give something away, as the scenes do not
    events: list[str]
    hard: list[str]  # harmless sentences that sound like spoilers
    names: frozenset[str]  # words that keep their capital within a sentence

    @property
    def plot(self) -> list[str]:
        return [*self.spoilers, *self.events, *self.hard]

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return the openings of the slots that this novel cannot fill."""
        lists = {"foe": self.foes, "lover": self.couples, "beloved": self.couples, "book": self.words["book"]}
        return tuple("{" + slot for slot, fillers in lists.items() if not fillers)


@cache
def load_novels() -> list[Novel]:
    """Read every novel of the sample, in the order of the file names."""
    authors = read_yaml(FOLDER / "authors.yaml")
    return [read_novel(path, authors) for path in sorted((FOLDER / "novels").glob("*.yaml"))]


def read_novel(path: Path, authors: dict[str, dict]) -> Novel:
    text = read_yaml(path)
    people = {name: Person(name, he, tuple(others)) for name, (he, *others) in text["people"].items()}
    hard = [sentence for kind in text["hard"].values() for sentence in kind]
    author = authors[text["author"]]
    words = {slot: text[slot + "s"] for slot in ("place", "object", "scene", "kind", "theme")}
    return Novel(
        title=text["title"],
        book_id=str(crc32(path.stem.encode()) % 10**8),
        author=Person(author["call"], author["is"]),
        people=list(people.values()),
        couples=[(people[one], people[two]) for one, two in text.get("couples", [])],
        foes=[people[text["foe"]]] if "foe" in text else [],
        words=words | {"book": [book for book in author["books"] if book != text["title"]]},
        spoilers=text["spoilers"],
        twists=text["twists"],
        events=text["events"],
        hard=hard,
        names=find_names([*text["spoilers"], *text["events"], *hard], people.values()),
    )


def find_names(sentences: list[str], people: Iterable[Person]) -> frozenset[str]:
    """Return the words that have a capital more often than not where no sentence begins."""
    counts = Counter(word for text in sentences for word in re.findall(r"[\w-]+", text.split(" ", 1)[1]))
    names = {word for word in counts if counts[word] > counts[word.lower()] and word[0].isupper()}
    return frozenset(names.union(*(name.split() for who in people for name in (who.name, *who.others))))


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
