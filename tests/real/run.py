"""Runs the whole path on the real test data: `python tests/real/run.py FOLDER [snakemake options]`.

Results appear in FOLDER/results; the numbers in docs/results.md come from there.
"""

import subprocess
import sys
from pathlib import Path

from paths import ROOT, configuration


def main() -> None:
    """Write the configuration into the folder and run Snakemake there."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alexnet20.yaml").write_text(configuration(folder), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    options = sys.argv[2:] or ["--cores", "2"]
    subprocess.run([*command, "--configfile", "alexnet20.yaml", *options], cwd=folder, check=True)


if __name__ == "__main__":
    main()
