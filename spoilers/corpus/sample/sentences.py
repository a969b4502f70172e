"""Makes sentences about a novel: frames filled with its people, places and things, and its plot retold."""

import random
import re
from dataclasses import replace
from functools import cache

from spoilers.corpus.sample.novels import FOLDER, Novel, Person, load_novels, read_yaml

BARE = 0.06  # of the opinions, those that would fit any novel
TAILED = 0.35  # those that fit any novel up to a tail that names something of this one
PLAIN = 0.25  # of the sentences about the plot, those told as they stand
CLOSED = 0.35  # those told with a remark after them; the rest have one before them
FORMAL = 0.3  # of the mentions of people, those by another of their names
LONGEST_STEM, LONGEST_CLAUSE = 14, 24  # words

FIRST_PERSON = re.compile(r"\b(I|[Mm]e|[Mm]y|[Mm]yself|[Ww]e|[Uu]s|[Oo]ur)\b")
NO_CLAUSE = re.compile(
    r'^(And|But|So|Yes|Then|Surely|Also)\b|[?!":]|\b(book|novel|chapters?|scenes?|reader|pages?|best|funniest)\b'
)

TITLE = re.compile(
    r"(Miss|Lady|Lord|Sir|Captain|Colonel|General|Major|Sergeant|Inspector|Constable|Judge|Squire|Count|"
    r"Countess|Prince|Princess|Madame|Monsieur|Mademoiselle|Doctor|Professor|Father|Mother|Uncle|Aunt|Old|"
    r"Little) [A-Z]"
)
# Openings of sentences that would read badly after "I had forgotten how".
FRONTED = re.compile(
    r"(In|At|On|As|When|After|Before|Once|While|If|By|From|For|To|With|Under|Over|Through|Instead|Only|Just|"
    r"Every|Even|Not|Early|Late|Until|Because|Since|Here|There|Out|Up|Down|Nobody|Never|\w+ing|\w+ed) "
)


@cache
def load_opinions() -> dict[str, dict[str, list[str]]]:
    """Read what readers say, by kind and part."""
    return read_yaml(FOLDER / "opinions.yaml")


@cache
def load_stems(kind: str) -> list[str]:
    """Return the bare sentences of `kind` that can take a tail, without their periods."""
    bare = load_opinions()[kind].get("bare", [])
    return [text[:-1] for text in bare if text.endswith(".") and len(text.split()) <= LONGEST_STEM]


@cache
def load_frames(kind: str, part: str, lacks: tuple[str, ...]) -> list[str]:
    """Return the frames that have none of the slots in `lacks`."""
    return [frame for frame in load_opinions()[kind][part] if not any(slot in frame for slot in lacks)]


@cache
def load_common_words() -> frozenset[str]:
    """Return the words that some sentence about a novel writes without a capital."""
    return frozenset(
        word for novel in load_novels() for word in re.findall(r"\b[a-z]+", " ".join(novel.plot))
    )


@cache
def pattern_of(name: str) -> re.Pattern:
    """Return what finds the name where no surname follows."""
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])(?! [A-Z])")


class Speaker:
    """Someone who talks about a novel, and who repeats a phrase only when all have been used."""

    def __init__(self, draw: random.Random, novel: Novel):
        self.draw, self.novel = draw, novel
        self.decks: dict[str, list] = {}

    def say(self, kind: str) -> str:
        """Return a sentence of `kind`: praise, blame, a warning, ..."""
        parts, form = load_opinions()[kind], self.draw.random()
        if "bare" in parts and form < BARE:
            return self.deal(kind, parts["bare"])
        if "bare" in parts and form < BARE + TAILED:
            return self.deal(f"{kind} stems", load_stems(kind)) + self.fill(self.frame(kind, "tails"))
        return capitalize(self.fill(self.frame(kind, "frames")))

    def mention(self, scene: str) -> str:
        """Return a sentence about a scene or a twist, which are talked about in the same words."""
        return capitalize(self.fill(self.frame("scenes", "frames"), scene=scene))

    def retell(self, statement: str) -> str:
        """Return a sentence about the plot in other words; what it says stays the same."""
        text = self.rename(statement)
        banned = FIRST_PERSON.search(text) or NO_CLAUSE.search(text) or self.novel.author.name in text
        if banned or len(text.split()) > LONGEST_CLAUSE or self.draw.random() < PLAIN:
            return text
        if FRONTED.match(text) or self.draw.random() < CLOSED:
            return text[:-1] + self.fill(self.frame("retellings", "closings"))
        return capitalize(
            self.fill(self.frame("retellings", "openings"), clause=self.uncapitalize(text[:-1]))
        )

    def deal(self, name: str, cards: list) -> object:
        """Return one of the cards, each once before any comes again."""
        deck = self.decks.setdefault(name, [])
        if not deck:
            deck += cards
        place = self.draw.randrange(len(deck))
        deck[place], deck[-1] = deck[-1], deck[place]
        return deck.pop()

    def frame(self, kind: str, part: str) -> str:
        """Return a frame of which the novel can fill every slot."""
        return self.deal(f"{kind} {part}", load_frames(kind, part, self.novel.lacks))

    def fill(self, frame: str, **given: str) -> str:
        """Return the frame with its slots filled; `given` values come before drawn ones."""
        novel = self.novel
        slots = set(re.findall(r"\{(\w+)", frame)) - given.keys()
        values = {"title": novel.title, "author": novel.author, "hero": self.call(novel.people[0]), **given}
        if slots & {"lover", "beloved"}:
            values["lover"], values["beloved"] = map(self.call, self.draw.choice(novel.couples))
        if "foe" in slots:
            values["foe"] = self.call(novel.foes[0])
        for slot in sorted(slots & {"person", "other"}, reverse=True):
            values[slot] = self.call(self.deal("people", novel.people[1:]))
        for slot in sorted(slots & novel.words.keys()):
            values[slot] = self.deal(slot, novel.words[slot])
        return frame.format(**values)

    def call(self, person: Person) -> Person:
        """Return the person by one of the names that people use."""
        if person.others and self.draw.random() < FORMAL:
            return replace(person, name=self.draw.choice(person.others))
        return person

    def rename(self, text: str) -> str:
        """Return the text with some people called by another name, but for one with a title or surname."""
        for person in self.novel.people:
            name = self.call(person).name
            if name == person.name or name in text:
                continue
            place = pattern_of(person.name).search(text)
            if place is None:
                continue
            before, after = text[: place.start()], text[place.end() :]
            if not re.search(r"[A-Z][\w.']* $", before):
                text = before + (name if before else capitalize(name)) + after
        return text

    def uncapitalize(self, text: str) -> str:
        """Return the text with a small first letter, unless a name opens it."""
        first = re.match(r"[\w-]*", text).group()
        common = (
            not TITLE.match(text) and first not in self.novel.names and first.lower() in load_common_words()
        )
        return text[0].lower() + text[1:] if common else text


def capitalize(text: str) -> str:
    return text[0].upper() + text[1:]
