"""Runs a configuration on the real test data: `python tests/real/run.py FOLDER [NAME.yaml] [snakemake options]`.

The configurations lie beside this file; alexnet20.yaml is the default. Results appear in FOLDER/results; the numbers in
docs/results.md come from there.
"""

import subprocess
import sys
from pathlib import Path

from paths import ROOT, configuration


def main() -> None:
    """Write the configuration into the folder and run Snakemake there."""
    folder, *options = sys.argv[1:]
    name = options.pop(0) if options and options[0].endswith(".yaml") else "alexnet20.yaml"
    place = Path(folder).resolve()
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(configuration(place, name), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", name, *(options or ["--cores", "2"])]
    subprocess.run(command, cwd=place, check=True)


if __name__ == "__main__":
    main()
