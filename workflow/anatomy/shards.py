"""Which categories share a job: as before for those that had one, so that another category repeats no job of theirs.

A job of 25 categories is repeated as a whole when one is added to it. So a new category gets a job of its own (or
shares one with other new ones), and what has been done stays where it is. What was done is known from the records of
finished jobs; before those there is the assignment of the latest plan, which the processes on a cluster also follow.
Results do not depend on the assignment.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from anatomy.canonical import read_json

RECORDS = Path("results/records/scores")
SPECS = Path("results/specs")
# below which there is a file for each network
ASSIGNMENTS = "shards"
Shards = dict[str, list[str]]


def assigned(network: str) -> Shards:
    """Shard -> its categories in the latest plan for a network."""
    path = SPECS / ASSIGNMENTS / f"{network}.json"
    return read_json(path) if path.is_file() else {}


def finished(network: str) -> Shards:
    """Shard -> its categories in the finished scores of a network."""
    records = sorted((RECORDS / network).glob("shard_*.json"))
    return {record.stem: read_json(record)["spec"]["categories"] for record in records}


def assign(wanted: Sequence[str], size: int, *known: Mapping[str, Sequence[str]]) -> Shards:
    """Shard -> its categories, in the order of `wanted`.

    Parameters
    ----------
    wanted : the categories to assign
    size : of a shard, at most
    known : earlier assignments, the most trusted first; a shard is kept with those of its categories that are wanted,
        unless they are more than `size`
    """
    shards: Shards = {}
    left = list(wanted)
    for earlier in known:
        for name, categories in earlier.items():
            together = set(categories)
            own = [category for category in left if category in together]
            if own and name not in shards and len(own) <= size:
                shards[name] = own
                left = [category for category in left if category not in together]
    names = _unused(shards)
    for start in range(0, len(left), size):
        shards[next(names)] = left[start : start + size]
    return dict(sorted(shards.items()))


def _unused(shards: Mapping[str, object]) -> Iterator[str]:
    used = set(shards)
    return (name for name in (f"shard_{number:04d}" for number in count()) if name not in used)
