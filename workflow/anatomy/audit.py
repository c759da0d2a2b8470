"""Compares every result with the present configuration: `python -m anatomy.audit --configfile config/config.yaml`.

A report says nothing about results that are stale. This does: each step leaves a record of the spec that its result
was made from and of the code that made it, and here every record is compared with what the configuration asks for and
the code is now. Exits with 1 and names the jobs whose results are missing or were made with other settings or code.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from anatomy.canonical import canonical, read_json
from anatomy.config.checks import check
from anatomy.config.validation import validate
from anatomy.dependencies import CODE, code_digests
from anatomy.errors import InputError
from anatomy.plan import Plan, make_plan, step_module

RECORDS = Path("results/records")


def findings(plan: Plan) -> Iterator[str]:
    """One sentence for each job whose result is missing or was made with other settings or other code."""
    for job, spec in plan.specs.items():
        record = RECORDS / f"{job}.json"
        if not record.exists():
            yield f"{job}: there is no result"
            continue
        made_from = read_json(record)
        if canonical(made_from["spec"]) != canonical(spec):
            yield f"{job}: made with other settings of {_changed(made_from['spec'], spec)}"
        code = code_digests(step_module(job), spec)
        if made_from[CODE] != code:
            yield f"{job}: made with another version of {_changed(made_from[CODE], code)}"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    keys = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    return ", ".join(keys)


def _laid_over(below: Any, above: Any) -> Any:
    """What Snakemake makes of two configuration files: sections are merged key by key, the later one wins."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}


def main() -> None:
    """Audit the results in the working directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", type=Path, nargs="+", required=True)
    files = parser.parse_args().configfile
    layers = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    try:
        configuration = validate(reduce(_laid_over, layers))
        check(configuration)
    except InputError as error:
        sys.exit(f"error: {error}")
    plan = make_plan(configuration)
    found = list(findings(plan))
    for finding in found:
        print(finding)
    if found:
        sys.exit(
            f"{len(found)} of {len(plan.specs)} results do not match the configuration; run snakemake"
        )
    print(f"All {len(plan.specs)} results match the configuration.")


if __name__ == "__main__":
    main()
