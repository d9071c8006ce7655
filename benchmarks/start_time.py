"""How long `receptron --help` takes, whole process, beside Python doing nothing and beside importing torch.

    python benchmarks/start_time.py

Medians of 15 processes each, taken in turns after two that are not counted; the bar is 0.3 s for every command's --help.
"""

import statistics
import subprocess
import sys
import time

ROUNDS, WARM, BAR = 15, 2, 0.3
MAIN = "from receptron.cli import main; main()"
CASES = {
    "python -c pass": ["-c", "pass"],
    "receptron --help": ["-c", MAIN, "--help"],
    "receptron train --help": ["-c", MAIN, "train", "--help"],
    "receptron calc conv 224": ["-c", MAIN, "calc", "conv", "224"],
    "python -c 'import torch'": ["-c", "import torch"],
}


def seconds(arguments: list[str]) -> float:
    """Wall-clock time of one process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the medians and whether the bar holds."""
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS + WARM):
        for name, arguments in CASES.items():
            times[name].append(seconds(arguments))
    medians = {name: statistics.median(all_of[WARM:]) for name, all_of in times.items()}
    for name, median in medians.items():
        print(f"{name:26} {1000 * median:7.0f} ms  {median / medians['python -c pass']:6.1f} x Python alone")
    held = all(medians[name] < BAR for name in CASES if name.endswith("--help"))
    print(f"--help under {BAR} s: {'held' if held else 'BROKEN'}")


if __name__ == "__main__":
    main()
