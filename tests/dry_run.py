"""Dry runs in processes that have Snakemake in memory already: half a second each instead of two."""

import multiprocessing
import os
import sys
from pathlib import Path

# the library is imported anew by each, because a test may have edited it
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["snakemake.cli", "pandas", "pydantic", "yaml"])


def dry_run(folder: Path, arguments: list[str]) -> tuple[int, str]:
    """Exit status and output of `snakemake --dry-run ARGUMENTS` in a folder."""
    printed = folder.with_name(f"{folder.name}_dry_run.txt")
    process = _SERVER.Process(target=_snakemake, args=(folder, arguments, printed))
    process.start()
    process.join()
    return process.exitcode, printed.read_text(encoding="utf-8")


def _snakemake(folder: Path, arguments: list[str], printed: Path) -> None:
    from snakemake.cli import main

    with printed.open("w", encoding="utf-8") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(folder)
    sys.argv = ["snakemake", "--dry-run", *arguments]
    main()
