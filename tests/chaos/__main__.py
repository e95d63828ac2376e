"""python -m tests.chaos: see __init__.py. Exit status 1 if a run was wrong."""

import argparse
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.chaos.world import batches, run


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, help="of the first run; the next ones count on")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    first = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"{options.runs} runs, seeds from {first}", flush=True)
    began, bad = time.perf_counter(), 0
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        for results in pool.map(run, *zip(*batches(first, options.runs), strict=True)):
            for seed, found, log in results:
                bad += 1
                print(f"seed {seed}: {'; '.join(found)}\n  {', '.join(map(str, log))}", flush=True)
    print(f"{bad} of {options.runs} wrong, {time.perf_counter() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
