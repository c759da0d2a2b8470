"""What the units of a real AlexNet do; `make test-real`, a quarter of an hour. Numbers are in docs/results.md."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from paths import DATA, ROOT

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA / "identity").is_dir(), reason="the real test data is not beside the project"
    ),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("seeing")
    command = [sys.executable, str(ROOT / "tests/real/run.py"), str(folder), "seeing.yaml"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "results"


def dissociation(results: Path, network: str) -> pd.DataFrame:
    table = pd.read_csv(results / network / "identity/dissociation.csv")
    overall = table[(table["mode"] == "zero") & table["proportion"].isna()]
    return overall.set_index("measure")


def test_identities_are_told_apart_better_than_in_the_source(results):
    """The source, trained on the task, reached 75 %."""
    table = pd.read_csv(results / "alexnet20/identity/accuracy.csv")
    tested = table[table["split"] == "test"].set_index("kind")
    assert (tested["low"] > 0.75).all()


def test_silencing_dissociates_faces_and_houses_in_the_trained_network_alone(results):
    trained, untrained = (dissociation(results, n) for n in ("alexnet20", "untrained"))
    for measure in ("difference_on_faces", "difference_on_houses", "interaction"):
        assert trained.loc[measure, "p_value"] < 0.05
        assert trained.loc[measure, "low"] > 0
    assert trained.loc["interaction_d_prime", "low"] > 0
    assert untrained.loc["interaction", "p_value"] > 0.05


def test_parts_are_needed_by_trained_units(results):
    """And by more of them than in the untrained twin; wheels, which conv5's best detectors are for, most of all."""
    found = {
        network: pd.read_csv(results / network / "activations/interventions.csv")
        for network in ("alexnet20", "untrained")
    }
    assert len(found["alexnet20"]) > 5 * len(found["untrained"])
    assert found["alexnet20"]["concept"].value_counts().idxmax() == "wheel"


def test_ascent_brings_nearly_all_units_above_where_noise_leaves_them(results):
    for layer in ("conv1", "conv3", "conv5", "fc8"):
        table = pd.read_parquet(results / f"alexnet20/features/{layer}.parquet")
        assert (table["activation"] > table["start"]).mean() > 0.95
