"""Serve a local page where you can paste a review and see it with its spoilers blurred."""

import argparse
from contextlib import suppress

from spoilers.core.allocator import keep_freed_memory
from spoilers.prediction.command import add_model_argument
from spoilers.prediction.detector import SpoilerDetector
from spoilers.prediction.page.server import Server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `spoilers demo`."""
    add_model_argument(parser)
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: 8000)")


def run(arguments: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    keep_freed_memory()
    with Server(arguments.port) as server:  # first: this fails at once if the port is taken
        server.detector = SpoilerDetector.load(arguments.model)
        print(f"Open {server.url} in a browser; Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
