"""Checks every setting, and the files it names: params.yaml -> data/params.checked.

DVC deletes a stage's outputs before it runs the stage's command, so mistakes must be found
before any stage that has outputs to lose is started.
"""

from spoilers import preflight
from spoilers.core import params
from spoilers.core.errors import run
from spoilers.core.files import write_text


def main() -> None:
    preflight.check(params.load())
    write_text("data/params.checked", "params.yaml holds valid settings\n")


if __name__ == "__main__":
    run(main)
