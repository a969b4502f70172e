"""Words that tell spoiler reviews from others: log-odds with an informative Dirichlet prior.

Monroe, Colaresi and Quinn (2008), "Fightin' Words", section 3.5. A word counts once per review:
a review that names its hero forty times is one witness, not forty.
"""

import numpy as np
from scipy.special import ndtri

from spoilers.text.vocabulary import SPECIAL

FEWEST = 20  # training reviews that a word must occur in to be shown: rarer ones could identify a review
SHOWN = 15  # words per class


def log_odds(counts: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each word's log-odds ratio of the second class to the first, and its z-score.

    Counts are (words, 2), the prior's pseudo-counts (words); both results are (words): equation 16, and z of
    equations 20 and 22.
    """
    smoothed = counts + prior[:, None]
    odds = smoothed / (smoothed.sum(axis=0) - smoothed)
    delta = np.log(odds[:, 1]) - np.log(odds[:, 0])
    return delta, delta / np.sqrt((1 / smoothed).sum(axis=1))


def telling_words(counts: np.ndarray, words: list[str]) -> tuple[list[dict], dict]:
    """Return each class's words with the largest |z|, and how many words exceed chance.

    `counts` (words, 2): training reviews without and with a spoiler that contain the word. The
    prior is the words' frequency in both classes together, averaging one pseudo-count per word.
    """
    counts = counts.copy()
    counts[: len(SPECIAL)] = 0  # padding and unknown words
    total = counts.sum(axis=1)
    known = np.flatnonzero(total)
    delta, z = np.zeros(len(words)), np.zeros(len(words))
    if len(known) > 1:
        prior = total[known] / total[known].mean()
        delta[known], z[known] = log_odds(counts[known], prior)
    shown = np.array([i for i in np.flatnonzero(total >= FEWEST) if is_word(words[i])], int)
    bound = float(-ndtri(0.025 / max(len(shown), 1)))  # Bonferroni
    rows = []
    for kind, sign in (("spoiler", 1), ("no spoiler", -1)):
        order = sorted(shown, key=lambda i: (-sign * z[i], words[i]))
        rows += [
            {
                "class": kind,
                "word": words[i],
                "z": round(float(z[i]), 2),
                "log_odds": round(float(delta[i]), 3),
                "reviews": int(counts[i, 0]),
                "spoiler_reviews": int(counts[i, 1]),
            }
            for i in order[:SHOWN]
            if sign * z[i] > 0
        ]
    beyond = int((np.abs(z[shown]) > bound).sum())
    return rows, {"fewest": FEWEST, "tested": len(shown), "bound": round(bound, 2), "beyond": beyond}


def is_word(token: str) -> bool:
    """Return whether a token is a word or a placeholder from cleaning."""
    return token.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "").strip("<>").isalpha()
