"""The command `spoilers`, and `python -m spoilers`."""

import gc
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib import import_module

from spoilers.core import errors

COMMANDS = {  # module with `add_arguments(parser)` and `run(arguments)`, and what it does
    "predict": ("spoilers.prediction.command", "predict whether reviews contain spoilers, and where"),
    "demo": ("spoilers.prediction.demo", "serve a local page that blurs the spoilers of a pasted review"),
    "sweep": ("spoilers.studies.sweep", "run the optimizer study, several trainings at once"),
}


def main() -> None:
    """Run the command that `sys.argv` names; a user's mistake ends in one line."""
    errors.run(lambda: call(sys.argv[1:]))


def call(words: list[str]) -> None:
    """Parse the words of the command line and do what they say."""
    parser = ArgumentParser(prog="spoilers", description="Find spoilers in book reviews.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    module = None
    for name, (path, summary) in COMMANDS.items():
        if words[:1] != [name]:  # and does not import it: PyTorch takes seconds
            commands.add_parser(name, help=summary)
            continue
        gc.disable()  # as in `stages`
        module = import_module(path)
        errors.collect_no_imports()
        details = {"description": module.__doc__, "formatter_class": RawDescriptionHelpFormatter}
        module.add_arguments(commands.add_parser(name, help=summary, **details))
    arguments = parser.parse_args(words)
    module.run(arguments)


if __name__ == "__main__":
    main()
