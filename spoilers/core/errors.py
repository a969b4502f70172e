"""A user's mistake ends in one line."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """Something only the user can mend; its message says what, where and what to do."""


def run(main: Callable[[], None]) -> None:
    """Run a command's `main`; print a `UserError` as one line and exit with status 1."""
    try:
        main()
    except UserError as mistake:
        sys.exit(f"error: {' '.join(str(mistake).split())}")
    except KeyboardInterrupt:
        sys.exit(130)
