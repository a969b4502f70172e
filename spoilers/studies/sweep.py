"""Run the trainings of the optimizer study, several at once, and then what remains of the pipeline.

`dvc repro` runs one stage after the other, but it holds the project's lock only between the stages'
commands. So several `dvc repro --single-item` train beside each other, and wait for each other only
where they read or write `dvc.lock`. The plain `dvc repro` at the end finds them done.
"""

import argparse
import itertools
import json
import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from spoilers.core import params
from spoilers.core.errors import UserError
from spoilers.core.parallel import available_cores

DVC = ("dvc", "--wait-for-lock")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `spoilers sweep`."""
    parser.add_argument("jobs", type=int, help="how many trainings run at once")


def run(arguments: argparse.Namespace) -> None:
    """Run the study's stages that are out of date, `jobs` at once, and then the pipeline."""
    jobs = arguments.jobs
    if jobs < 1:
        raise UserError(f"jobs: was {jobs}, should be 1 or more")
    device = params.load().machine.device
    dvc("repro", "study_data@sweep")
    names = outdated_cells()
    print(f"{len(names)} cells to run, {jobs} at once", flush=True)
    run_cells(names, jobs, visible_gpus(device))
    dvc("repro")


def dvc(*arguments: str) -> None:
    """Run DVC, with output to the terminal.

    Raises:
        UserError: DVC failed; it printed why.
    """
    if subprocess.run([*DVC, *arguments]).returncode:
        raise UserError(f"dvc {' '.join(arguments)} failed; see above")


def outdated_cells() -> list[str]:
    """Return the study's stages whose outputs do not match the current code, data and parameters."""
    done = subprocess.run([*DVC, "status", "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise UserError("dvc status failed; see above")
    return sorted(name for name in json.loads(done.stdout) if name.startswith("sweep@"))


def run_cells(names: list[str], jobs: int, gpus: list[str]) -> None:
    """Run each cell as a DVC stage, `jobs` at once; print each one's output when it is done.

    Raises:
        UserError: one failed; the others that were running ended, and no more were started.
    """
    place, numbers = threading.local(), itertools.count()

    def take_place() -> None:
        cores, place.environment = share(next(numbers), jobs, available_cores(), gpus)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)  # of this thread, and of the processes that it starts

    def run_cell(name: str) -> subprocess.CompletedProcess:
        command = [*DVC, "repro", "--single-item", name]
        environment = os.environ | place.environment
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    with ThreadPoolExecutor(jobs, initializer=take_place) as pool:
        running = {pool.submit(run_cell, name): name for name in names}
        try:
            for cell in as_completed(running):
                print(cell.result().stdout, flush=True)
                if cell.result().returncode:
                    raise UserError(f"{running[cell]} failed; see above")
        finally:
            pool.shutdown(cancel_futures=True)


def share(place: int, jobs: int, cores: list[int], gpus: list[str]) -> tuple[list[int], dict[str, str]]:
    """Return one job's cores, and the environment variables that set its threads and its GPU.

    If there are more jobs than cores or GPUs, jobs share them.
    """
    mine = cores[place::jobs] or [cores[place % len(cores)]]
    variables = {"OMP_NUM_THREADS": str(len(mine))}
    if gpus:
        variables["CUDA_VISIBLE_DEVICES"] = gpus[place % len(gpus)]
    return mine, variables


def visible_gpus(device: str) -> list[str]:
    """Return the CUDA devices to share out: none if `machine.device` asks for another kind."""
    if device not in ("auto", "cuda"):
        return []
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [gpu for gpu in chosen.split(",") if gpu]
    import torch  # takes seconds, and only this needs it

    return [str(gpu) for gpu in range(torch.cuda.device_count())]
