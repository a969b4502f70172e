"""Convert values that programs such as pandas saved as another type, if their meaning is clear."""

import re
from datetime import date, timedelta

EPOCH = date(1970, 1, 1)
DAY_MS = 86_400_000  # milliseconds of a day
# Milliseconds in this range are times from 1990 to 2099; as seconds they would be thousands of years off.
EARLIEST, LATEST = 631_152_000_000, 4_102_444_800_000
DATE_AND_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?")
TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def convert(record: dict) -> list[str]:
    """Convert a record's values in place where needed and possible; return their keys."""
    converted = []
    for key, conversion in CONVERSIONS.items():
        if key in record and (value := conversion(record[key])) is not record[key]:
            record[key] = value
            converted.append(key)
    return converted


# Each of these returns the value itself if it is already right or cannot be converted.


def whole(value: object) -> object:
    """Turn 7.0 into 7: pandas saves whole numbers as floats if a column has missing values."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def identifier(value: object) -> object:
    """Turn a whole number into text."""
    number = whole(value)
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else value


def rating(value: object) -> object:
    """Turn 5.0 and "5" into 5, and null into 0, Goodreads' value for no rating."""
    if value is None:
        return 0
    if isinstance(value, str) and re.fullmatch(r"[0-5](\.0)?", value):
        return int(value[0])
    return whole(value)


def day(value: object) -> object:
    """Turn a time, as text or in milliseconds since 1970, into its day: `2017-08-30`."""
    if isinstance(value, str) and (found := DATE_AND_TIME.fullmatch(value)):
        return found[1]
    number = whole(value)
    if isinstance(number, int) and EARLIEST <= number < LATEST:
        return (EPOCH + timedelta(number // DAY_MS)).isoformat()
    return value


def truth(value: object) -> object:
    """Turn 0, 1 and the words true and false into a bool."""
    return value if isinstance(value, bool) else TRUTHS.get(str(value).lower(), value)


CONVERSIONS = {
    **dict.fromkeys(("user_id", "book_id", "review_id"), identifier),
    **dict.fromkeys(("timestamp", "date_updated"), day),
    "rating": rating,
    "has_spoiler": truth,
}
