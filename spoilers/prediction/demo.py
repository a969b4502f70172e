"""A page on this machine where one pastes a review and sees it with its spoilers blurred: `make demo`."""

import argparse
from contextlib import suppress

from spoilers.core.allocator import keep_freed_memory
from spoilers.core.errors import run
from spoilers.prediction.detector import SpoilerDetector
from spoilers.prediction.folder import model_folder
from spoilers.prediction.page.server import Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m spoilers.prediction.demo", description=__doc__)
    parser.add_argument(
        "--model", type=model_folder, default="lstm", help="lstm, gru, baseline, or a folder (lstm)"
    )
    parser.add_argument("--port", type=int, default=8000, help="where to listen (8000)")
    arguments = parser.parse_args()
    keep_freed_memory()
    with Server(SpoilerDetector.load(arguments.model), arguments.port) as server:
        print(f"Open {server.url} in a browser; Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    run(main)
