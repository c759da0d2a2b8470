"""The path on real photographs with a real AlexNet; a small part always, all of it with `make test-real`."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from paths import DATA, ROOT, configuration

pytestmark = pytest.mark.skipif(
    not (DATA / "imagenet20").is_dir(), reason="the real test data is not beside the project"
)
CATEGORIES = ["n01440764", "n02086240"]
SMALL = {
    "stimuli": {"images": {"scoring": 4, "extraction": 5, "evaluation": 10}},
    "circuits": {
        "categories": CATEGORIES,
        "threshold": [0.9, 0.5],
        "removed_fractions": [0.0, 0.5, 0.9],
        "refinement": 0,
        "controls": ["random"],
        "comparison": None,
        "stability": None,
        "pictures": 0,
    },
    "knockouts": {
        "layers": ["conv1", "fc7"],
        "kinds": ["synapse"],
        "proportions": [0.0, 0.7],
        "images_per_category": 5,
        "repeats": 1,
    },
    "clusters": {
        "layers": ["conv5", "fc7"],
        "neurons_per_point": 40,
        "methods": ["ward"],
        "numbers": [4],
        "folds": 2,
        "random_draws": 2,
        "random_images_per_category": 2,
    },
}


def run(
    folder: Path, name: str = "alexnet20.yaml", changes: dict = SMALL, targets: Sequence[str] = ()
) -> Path:
    """Run Snakemake in a folder and return its results."""
    content = yaml.safe_load(configuration(folder, name))
    content["stimuli"]["imagenet20"] |= changes.get("stimuli", {})
    for method in {"circuits", "knockouts", "clusters"} & content.keys():
        content[method] |= changes.get(method, {})
    (folder / "configuration.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    options = ["--configfile", "configuration.yaml", "--cores", "2", "--", *targets]
    done = subprocess.run(
        [*command, *options], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return folder / "results"


@pytest.fixture(scope="module")
def small_results(tmp_path_factory) -> Path:
    # all but the figures
    methods = ["circuits", "knockouts", "clusters", "results/summary.csv"]
    return run(tmp_path_factory.mktemp("small"), targets=methods)


def headline(results: Path, measure: str, group: str = "all") -> float:
    table = pd.read_csv(results / "summary.csv")
    return table[(table["measure"] == measure) & (table["group"] == group)]["value"].item()


def test_network_recognises_what_its_makers_say(small_results):
    """The data's description gives a top-1 accuracy of about .87 on all 1,000 validation images."""
    assert headline(small_results, "top1") == pytest.approx(0.87, abs=0.05)


def test_circuits_of_two_categories(small_results):
    summary = pd.read_csv(small_results / "alexnet20/circuits/summary.csv")
    assert summary["category"].tolist() == CATEGORIES
    assert (summary["kept_fraction"] < 1).all()
    np.testing.assert_allclose(summary["kept_fraction"] + summary["removed_fraction"], 1)
    assert (summary["logit_correlation"] > 0.3).all()


def test_first_layer_matters_more_than_a_high_one(small_results):
    """Cheney, Schrimpf & Kreiman 2017: with 70 % of the weights gone, conv1 is lost and a high layer is not."""
    table = pd.read_csv(small_results / "alexnet20/knockouts/performance.csv")
    left = table[table["proportion"] == 0.7].set_index("layer")["top5"]
    assert left["conv1"] < left["fc7"] - 0.2


def test_lesions_of_all_clusters_together_leave_no_neuron(small_results):
    """Every neuron is in one cluster, or never active; the intact network of the lesions is that of the recording."""
    clusters = small_results / "alexnet20/clusters"
    lesions = pd.read_csv(clusters / "lesions.csv")
    assert lesions["neurons"].sum() == 256 * 13 * 13 + 4096
    losses = pd.read_csv(clusters / "losses.csv").query("recognised_as == 'category'")
    for group in ("animate", "inanimate"):
        intact = losses[losses["group"] == group]["sensitivity_intact"]
        np.testing.assert_allclose(intact, headline(small_results, "top1", group))


# the smallest that goes through every step of circuits
TINY = {
    "stimuli": {
        "categories": ["n01440764", "n03888257"],
        "images": {"scoring": 1, "extraction": 3, "evaluation": 3},
    },
    "circuits": {
        "criterion": "csa",
        "threshold": 0.5,
        "removed_fractions": [0.0, 0.5],
        "refinement": 0,
        "controls": ["circuit_removed"],
        "stability": None,
        "pictures": 0,
    },
}


@pytest.fixture(scope="module")
def other_networks(tmp_path_factory) -> Path:
    return run(tmp_path_factory.mktemp("other"), "other_networks.yaml", TINY, ["circuits"])


@pytest.mark.real
@pytest.mark.parametrize("network", ["mobilenet_v2", "squeezenet1_1"])
def test_other_architectures_go_through_without_special_cases(other_networks, network):
    """Depthwise convolutions and residuals; branches that are joined, and a convolution as output layer."""
    circuits = other_networks / network / "circuits"
    summary = pd.read_csv(circuits / "summary.csv")
    assert (summary["kept_fraction"] < 1).all()
    assert (summary["connected_fraction"] > 0).all()
    assert (summary["csa_extraction"] > 0.5).all()
    assert (pd.read_csv(circuits / "overlap.csv")["mean_jaccard"].dropna() > 0).any()


@pytest.mark.real
def test_everything(tmp_path):
    """All 20 categories and all 8 layers; see docs/results.md."""
    results = run(tmp_path, changes={})
    summary = pd.read_csv(results / "alexnet20/circuits/summary.csv")
    performance = pd.read_csv(results / "alexnet20/knockouts/performance.csv")
    assert len(summary) == 20
    assert performance["layer"].nunique() == 8
    assert (results / "alexnet20/knockouts/figures/performance.png").exists()
    lesions = pd.read_csv(results / "alexnet20/clusters/lesions.csv")
    assert lesions["method"].nunique() == 3
