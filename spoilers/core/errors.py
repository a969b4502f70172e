"""End a user's mistake in one line."""

import sys
from collections.abc import Callable

from spoilers.core.terminal import printable

LONGEST = 1000  # characters of a message


class UserError(Exception):
    """A mistake that only the user can correct; its message says what, where and what to do."""


def run(main: Callable[[], None]) -> None:
    """Run a command's `main`; print a `UserError` as one line and exit with status 1, or 130 after Ctrl-C."""
    try:
        main()
    except UserError as mistake:
        sys.exit(f"error: {printable(' '.join(str(mistake).split()), LONGEST)}")
    except KeyboardInterrupt:
        sys.exit(130)
