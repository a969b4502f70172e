"""End a user's mistake in one line."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake that only the user can correct; its message says what, where and what to do."""


def run(main: Callable[[], None]) -> None:
    """Run a command's `main`; print a `UserError` as one line and exit with status 1, or 130 after Ctrl-C."""
    try:
        main()
    except UserError as mistake:
        sys.exit(f"error: {' '.join(str(mistake).split())}")
    except KeyboardInterrupt:
        sys.exit(130)
