"""Which data a report is about, and what the reviews are like."""


def data_note(source: str) -> str:
    """Which data this is; the sample's scores must never pass for Goodreads'."""
    if source == "sample":
        return (
            "All numbers below are from the embedded sample: reviews composed from sentences that this"
            " project's authors wrote about public-domain novels. They show that the pipeline works and how"
            " the models compare on it; they say nothing about Goodreads."
        )
    if source.startswith("goodreads"):
        return "All numbers below are from the Goodreads reviews of Wan et al. (2019)."
    return f"All numbers below are from the reviews at `{source}`."


def data_findings(found: dict) -> list[str]:
    """What `data/results/data.json` shows, one sentence a finding."""
    findings = [balance_note(prevalence(found)), length_note(found["lengths"])]
    findings += [place_note(found["place"])] if found["place"] else []
    findings += [
        shares_note(key, found[f"{key}s"]) for key in ("rating", "year") if len(found[f"{key}s"]) > 1
    ]
    return [*findings, words_note(found["words_tested"]), *label_words_note(found["words"])]


def prevalence(found: dict) -> float:
    """Return the share of the reviews that hold a spoiler."""
    reviews = {name: row["reviews"] for name, row in found["classes"].items()}
    return reviews["spoiler"] / sum(reviews.values())


def balance_note(share: float) -> str:
    """How far the classes are from equal, and what that does to accuracy."""
    larger = max(share, 1 - share)
    if larger < 0.6:
        return f"{share:.1%} of the reviews hold a spoiler: the classes are about equal."
    return (
        f"{share:.1%} of the reviews hold a spoiler. A model that gives all of them the same answer has an"
        f" accuracy of {larger:.1%}, so that accuracy says little here; average precision says more."
    )


def length_note(lengths: list[dict]) -> str:
    """Which class writes longer reviews, by the median."""
    median = {row["class"]: row["median"] for row in lengths if row["what"] == "tokens in a review"}
    with_one, without = median["spoiler"], median["no spoiler"]
    numbers = f"the median is {with_one:,} tokens with a spoiler and {without:,} without"
    if with_one == without:
        return f"Reviews with and without a spoiler are equally long ({numbers})."
    which = "longer" if with_one > without else "shorter"
    return f"Reviews with a spoiler are {which} ({numbers}); the length alone is one of the baselines."


def place_note(place: dict) -> str:
    """Whether spoilers stand early or late: the mean place of each review's spoilers, over reviews."""
    away = (place["mean"] - 0.5) / max(place["error"], 1e-9)
    where = f"in the mean {place['mean']:.0%} of the way through the review"
    if abs(away) < 2:
        return f"Spoilers stand neither early nor late: {where}."
    when = "late" if away > 0 else "early"
    end = "end" if away > 0 else "beginning"
    return f"Spoilers come {when}: {where}. The {end} of a long review must not be cut off."


def shares_note(key: str, rows: list[dict]) -> str:
    """Say at which values the share of spoilers is shown to differ from that of all other reviews."""
    shown = [row for row in rows if row["shown"]]
    if not shown:
        return f"No {key} is shown to have more or fewer spoilers than the others."
    sides = {
        "higher": [row for row in shown if row["share"] > row["elsewhere"]],
        "lower": [row for row in shown if row["share"] < row["elsewhere"]],
    }
    told = [
        f"{side} than elsewhere at "
        + ", ".join(f"{value_name(key, r[key])} ({r['share']:.1%} against {r['elsewhere']:.1%})" for r in of)
        for side, of in sides.items()
        if of
    ]
    return f"By {key}, the share of spoilers is {'; '.join(told)}."


def value_name(key: str, value: int) -> str:
    return "no rating" if key == "rating" and value == 0 else str(value)


def words_note(tested: dict) -> str:
    """How many words tell the classes apart beyond what so many tests give by chance."""
    what = f"Of {tested['tested']:,} words that are frequent enough to be tested"
    if not tested["beyond"]:
        return f"{what}, none tells the classes apart beyond chance."
    return f"{what}, {tested['beyond']:,} tell the classes apart beyond chance."


def label_words_note(words: list[dict]) -> list[str]:
    """A warning where reviews announce their own label."""
    own = [
        row["word"]
        for row in words
        if row["class"] == "spoiler" and row["word"].strip("<").startswith("spoil")
    ]
    if not own:
        return []
    return [
        f"Among the telling words is `{own[0]}`: some reviews announce their own label."
        " `clean.mask_spoiler_word` puts one token in the place of such words, to measure what they add."
    ]
