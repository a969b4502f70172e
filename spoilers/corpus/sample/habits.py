"""How a user types: contractions, slips of the pen, small letters, exclamation marks."""

import random
import re
from dataclasses import dataclass

# (pattern, contraction); a capital at the beginning is kept.
CONTRACTIONS = [
    (re.compile(r"\b(do|does|did|is|was|were|are|would|could|should|has|have|had) not\b", re.I), r"\1n't"),
    (re.compile(r"\b(c)annot\b", re.I), r"\1an't"),
    (re.compile(r"\b(w)ill not\b", re.I), r"\1on't"),
    (re.compile(r"\bI am (?=\w)"), "I'm "),
    (re.compile(r"\bI will (?=\w)"), "I'll "),
    (re.compile(r"\bI would (?=\w)"), "I'd "),
    (re.compile(r"\bI have (?=never|been|read|always|ever|now|had|met|known|seen)"), "I've "),
    (re.compile(r"^(It|There|That|What) is (?=\w)"), r"\1's "),
]
SLIPS = {
    "their": "thier", "believe": "beleive", "until": "untill", "character": "charachter",
    "because": "becuase", "really": "realy", "which": "wich", "the": "teh",
    "would have": "would of", "could have": "could of", "should have": "should of",
    "beginning": "begining", "different": "diffrent", "surprised": "suprised",
    "surprise": "suprise", "friend": "freind", "through": "thru", "though": "tho", "people": "ppl",
    "and": "&", "you": "u", "remember": "rember", "finally": "finaly", "completely": "completly",
    "about": "abuot", "forever": "for ever", "murder": "murdur", "marriage": "marrige",
    "tragedy": "tradegy", "favorite": "favourite", "probably": "prolly", "something": "somthing",
    "interesting": "intresting", "whether": "wether",
}  # fmt: skip


@dataclass(frozen=True)
class Habits:
    typing: str  # "plain", "excited" or "lower-case"
    contracts: bool
    careless: float  # share of the sentences with a slip


def new_habits(draw: random.Random) -> Habits:
    return Habits(
        typing=draw.choices(["plain", "excited", "lower-case"], [0.85, 0.09, 0.06])[0],
        contracts=draw.random() < 0.6,
        careless=draw.choices([0.0, 0.05, 0.3], [0.6, 0.3, 0.1])[0],
    )


def type_sentence(draw: random.Random, habits: Habits, text: str) -> str:
    """Return the sentence as this user types it."""
    if habits.contracts:
        for pattern, contraction in CONTRACTIONS:
            text = pattern.sub(contraction, text)
    if draw.random() < habits.careless:
        text = slip(draw, text)
    match habits.typing:
        case "excited" if text.endswith("."):
            return text[:-1] + "!"
        case "lower-case":
            return text.lower()
    return text


def slip(draw: random.Random, text: str) -> str:
    """Return the text with one common mistake, if it has a word that invites one."""
    chances = [word for word in SLIPS if re.search(rf"\b{word}(?!\w)", text)]
    if not chances:
        return text
    word = draw.choice(chances)
    return re.sub(rf"\b{word}(?!\w)", SLIPS[word], text, count=1)
