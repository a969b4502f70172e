"""A user's mistake ends in one line."""

import sys
from collections.abc import Callable

from spoilers.core.terminal import printable

LONGEST = 1000  # characters of a message


class UserError(Exception):
    """Something only the user can mend; its message says what, where and what to do."""


def run(main: Callable[[], None]) -> None:
    """Run a command's `main`; print a `UserError` as one line and exit with status 1."""
    try:
        main()
    except UserError as mistake:
        sys.exit(f"error: {printable(' '.join(str(mistake).split()), LONGEST)}")
    except KeyboardInterrupt:
        sys.exit(130)
