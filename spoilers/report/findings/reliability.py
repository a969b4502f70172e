"""How far the scores can be trusted, by the size of what they were measured on."""

FEW_SPOILERS = 100  # in test; with fewer, an interval is about 0.1 to each side or more
FEW_BOOKS = 30  # in test
FEW_USERS = 50  # in training


def warnings(split: dict[str, dict], test: dict) -> list[str]:
    """What a reader must know of the size of the data; empty where it is large enough."""
    train, found = split["train"], []
    if test["spoilers"] < FEW_SPOILERS:
        found.append(
            f"The test set has only {test['spoilers']:,} spoilers: its scores are rough, and small"
            " differences cannot be shown."
        )
    if test["books"] < FEW_BOOKS:
        found.append(
            f"The intervals are drawn over {test['books']:,} test books; over so few they tend to come out"
            " too narrow."
        )
    if train["users"] < FEW_USERS:
        users = "a single user" if train["users"] == 1 else f"{train['users']:,} users"
        found.append(
            f"The training reviews are by {users}: what is learned may be personal habits, not spoilers."
        )
    if test["books"] == test["reviews"] and train["books"] == train["reviews"]:
        found.append(
            "No book has a second review: a split by book keeps nothing apart, and the intervals are over"
            " reviews."
        )
    known = split["test"]["books_seen_in_training"]
    if known:
        found.append(
            f"{known:,} of the {test['books']:,} test books are in training too: the scores hold for known"
            " books, not for new ones."
        )
    return found
