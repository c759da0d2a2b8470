"""A job's settings are all and only those that its step reads, so that it repeats exactly when they change."""

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from pipeline import RESULTS, plan_of, run

from anatomy.canonical import canonical, digest
from anatomy.circuit_plan import drawn
from anatomy.config.configuration import METHODS
from anatomy.config.validation import validate
from anatomy.dependencies import MEMORY, code_digests
from anatomy.errors import InputError
from anatomy.plan import make_plan, step_module
from anatomy.shards import assign
from anatomy.tables import (
    CIRCUIT_SUMMARY,
    CIRCUIT_SWEEP,
    DISSECTION_DETECTORS,
    DISSECTION_ROTATIONS,
    KNOCKOUT_PERFORMANCE,
    SUMMARY,
)

ROOT = Path(__file__).parents[2]

# Settings that a step does not read itself: names of its inputs, whose lists and paths follow from them
NOT_READ = {
    "record": {"stimuli"},
    "knockouts": {"stimuli"},
    "responses": {"stimuli"},
    "cluster_fold": {"stimuli"},
    "clusters": {"stimuli"},
    "cluster_lesions": {"stimuli"},
    "summary": set(METHODS),
}


def tiny():
    """The whole workflow, as small as it can be."""
    categories = ["dog", "car", "cat"]
    return {
        "stimuli": {
            "seen": {
                "source": "toybox",
                "categories": categories,
                "images": {"scoring": 4, "extraction": 2, "evaluation": 3},
            },
            "lessons": {
                "source": "toybox",
                "categories": categories,
                "images": {"training": 4, "evaluation": 2, "scoring": 0, "extraction": 0},
            },
        },
        "broden": {"source": "toybox", "images_per_category": 1},
        "networks": {
            "small": {
                "architecture": "toybox_alexnet",
                "weights": "trained",
                "training": {"stimuli": "lessons", "epochs": 3, "batch_size": 4},
            },
            "untrained": {"untrained_twin_of": "small"},
        },
        "recordings": {"layers": ["conv5"]},
        "circuits": {
            "stimuli": "seen",
            "criterion": "csa",
            "removed_fractions": [0, 0.5, 0.9],
            "refinement": 1,
            "scoring_images": 1,
            "controls": ["random", "other_different"],
            "comparison": {
                "categories": 1,
                "scores": ["signed", "random"],
                "removed_fractions": [0, 0.9],
            },
            "stability": {"categories": 2},
            "pictures": 2,
            "categories_per_job": 2,
        },
        "knockouts": {
            "stimuli": "seen",
            "networks": ["small"],
            "layers": ["conv1", "fc7", "fc8"],
            "modes": ["zero", "noise"],
            "proportions": [0, 0.5, 1],
            "repeats": 2,
            "images_per_category": 2,
            "layers_per_job": 2,
        },
        "clusters": {
            "stimuli": "seen",
            "networks": ["small"],
            "response_images": "all",
            "neurons_per_point": 200,
            "methods": ["gaussian_mixture", "ward"],
            "numbers": [2, 3],
            "folds": 2,
            "random_draws": 3,
            "random_images_per_category": 2,
        },
        "dissection": {
            "networks": ["small"],
            "layers": ["conv1", "conv5"],
            "top_images": 2,
            "resamples": 3,
            "rotations": {"strengths": [1.0], "combined_units": [2], "repeats": 1},
        },
        "features": {
            "networks": ["small"],
            "layers": ["conv1", "fc8"],
            "channels": 2,
            "pyramid_levels": 2,
            "iterations": 1,
        },
        "activations": {
            "stimuli": "seen",
            "networks": ["small"],
            "layers": ["conv1", "conv5"],
            "images": 1,
            "top_images": 2,
            "occlusion": {"units": 1, "patch": 0.5, "stride": 0.5},
            "manipulation": {"images_per_concept": 2, "minimum_images": 2, "controls": 1},
        },
        "identities": {
            "source": "toybox",
            "identities": {"training": 4, "test": 2},
            "views": 3,
        },
        "identity": {
            "networks": ["small"],
            "training_pairs": 16,
            "test_pairs": 8,
            "folds": 2,
            "representations": ["product", "both"],
            "penalties": [0.01],
            "proportions": [0.2],
            "noise_levels": [1.0],
            "noise_proportions": [0.2],
            "repeats": 1,
            "random_draws": 2,
            "resamples": 20,
        },
        "joined": {
            "stimuli": "seen",
            "networks": ["small"],
            "layers": ["conv1", "conv5"],
            "random_draws": 3,
            "cluster_draws": 2,
            "random_images_per_category": 2,
            "cluster_images_per_category": 2,
            "concept_vectors": {"images": 8, "random_sets": 3, "shown_images": 2},
        },
        "compute": {"threads": 1, "batch_size": 4},
    }


def edited(**changes):
    """The tiny configuration with values at keys (dots written as __) replaced."""
    raw = tiny()
    for key, value in changes.items():
        *path, last = key.split("__")
        section = raw
        for part in path:
            section = section[part]
        section[last] = value
    return raw


def specs(raw):
    return make_plan(validate(raw)).specs


def changed_jobs(before, after):
    """Jobs that would repeat, or come, or go."""
    return {
        job
        for job in {*before, *after}
        if job not in before or job not in after or canonical(before[job]) != canonical(after[job])
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder of a finished tiny run, its plan and the settings that were read."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        plan = plan_of(tiny())
        return folder, plan, run(plan)


# --- all and only what is read


def test_steps_read_all_and_only_what_their_spec_says(done):
    _, plan, watched = done
    left = {"figures/headlines", "figures/toybox", "figures/dissected_networks"}
    assert set(watched) == set(plan.specs) - left
    assert all(plan.specs[job] == {} for job in left)
    kinds = {}
    for job, spec in watched.items():
        unread = set(spec.keys()) - spec.read
        kinds.setdefault(job.split("/")[0], set()).update(unread)
        assert unread <= NOT_READ.get(job.split("/")[0], set()), job
    # an exception that is none any more must go
    for kind, allowed in NOT_READ.items():
        assert kinds[kind] >= allowed, kind


def test_photographs_are_read_with_all_and_only_their_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for folder in ("train", "val"):
        for category in ("n1", "n2"):
            path = tmp_path / "photos" / folder / category
            path.mkdir(parents=True)
            for number in range(2):
                pixels = random.integers(0, 256, (40, 50, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(path / f"{number}.png")
    Path("table.csv").write_text("category,super_category\nn1,animate\nn2,inanimate\n")
    raw = tiny()
    raw["stimuli"]["photos"] = {
        "source": "folder",
        "folder": "photos",
        "category_table": "table.csv",
        "resize": 36,
        "image_size": 32,
        "images": {"scoring": 2, "extraction": 1, "evaluation": 1},
    }
    plan = plan_of(raw)
    (spec,) = run(plan, only=("stimuli/photos",)).values()
    assert set(spec.keys()) == spec.read
    # another image in a used folder changes which ones are drawn; a hidden file does not
    Path("photos/val/n1/.hidden").touch()
    assert changed_jobs(plan.specs, specs(raw)) == set()
    Path("photos/val/n1/3.png").write_bytes(Path("photos/val/n1/0.png").read_bytes())
    assert changed_jobs(plan.specs, specs(raw)) == {"stimuli/photos"}
    # nor is one drawn by a job that was planned without it
    with pytest.raises(InputError, match="photos: files have come, gone or changed since this run"):
        run(plan, only=("stimuli/photos",))


def test_weights_of_torchvision_are_downloaded_once_and_twins_need_none():
    raw = tiny()
    alexnet = {"architecture": "alexnet", "weights": "torchvision"}
    twin = {"untrained_twin_of": "one"}
    raw["networks"] |= {"one": alexnet, "another": alexnet, "twin": twin}
    plan = make_plan(validate(raw))
    jobs = [job for job in plan.specs if job.startswith("weights/")]
    assert jobs == ["weights/alexnet"]
    assert plan.specs["weights/alexnet"] == {"architecture": "alexnet"}
    downloaded = ["results/downloads/alexnet.pth"]
    assert plan.downloaded_weights("one") == plan.downloaded_weights("another") == downloaded
    assert plan.downloaded_weights("twin") == plan.downloaded_weights("small") == []
    assert plan.given_weights("one") == []


# --- what a change repeats

CIRCUITS = {
    f"circuits/{network}/shard_000{n}" for network in ("small", "untrained") for n in (0, 1)
}
SCORES = {job.replace("circuits/", "scores/") for job in CIRCUITS}
CIRCUIT_TABLES = {"circuit_tables/small", "circuit_tables/untrained"}
CONTROLS = {job.replace("circuits/", "circuit_controls/") for job in CIRCUITS}
# drawn of the three categories: car for one, dog and car for two
COMPARISON = {f"score_comparison/{network}/shard_0000" for network in ("small", "untrained")}
MORE_COMPARISON = {job.replace("0000", "0001") for job in COMPARISON}
STABILITY = {job.replace("score_comparison/", "scoring_stability/") for job in COMPARISON}
PICTURES = {job.replace("score_comparison/", "circuit_pictures/") for job in COMPARISON}
# the groups follow the network's eight layers: conv1 conv2, conv3 conv4, conv5 fc6, fc7 fc8
KNOCKOUTS = {"knockouts/small/layers_0000", "knockouts/small/layers_0003"}
RECORD = {"record/small/seen", "record/untrained/seen"}
RESPONSES = {"responses/small"}
FOLDS = {"cluster_fold/small/fold_1", "cluster_fold/small/fold_2"}
CLUSTERS = FOLDS | {"clusters/small"}
CLUSTER_LESIONS = {f"cluster_lesions/small/{method}" for method in ("gaussian_mixture", "ward")}
DISSECTION_RESPONSES = {"dissection_responses/small"}
DISSECTION = {"dissection/small/conv1", "dissection/small/conv5"}
ROTATIONS = {"rotations/small/conv5"}
GALLERIES = {"dissection_gallery/small/conv1", "dissection_gallery/small/conv5"}
SHOWN_DETECTORS = GALLERIES | {"figures/dissection/small", "atlas/small"}
FEATURES = {"features/small/conv1", "features/small/fc8"}
ACTIVATIONS = {"activations/small"}
ACTIVATION_TOP_IMAGES = {"top_images/small/activations"}
OCCLUSION = {"occlusion/small"}
MANIPULATION = {"manipulation/small"}
CHOSEN_BY_SEED = ACTIVATIONS | OCCLUSION | MANIPULATION
READOUT = {"identity_readout/small"}
SELECTIVITY = {"unit_selectivity/small"}
IDENTITY_LESIONS = {"identity_lesions/small"}
SHOWING_FACES = READOUT | SELECTIVITY | IDENTITY_LESIONS
CONCEPT_LESIONS = {"concept_lesions/small/conv1", "concept_lesions/small/conv5"}
ENRICHMENT = {"enrichment/small"}
CLUSTER_CIRCUITS = {"cluster_circuits/small/shard_0000", "cluster_circuits/small/shard_0001"}
CIRCUIT_UNITS = {"circuit_units/small/shard_0000", "circuit_units/small/shard_0001"}
CONCEPT_VECTORS = {"concept_vectors/small"}
RECOGNISING = FOLDS | CLUSTER_LESIONS | {"summary", "figures/clusters/small"}


def test_the_jobs_of_the_tiny_configuration():
    jobs = set(specs(tiny()))
    assert jobs >= CIRCUITS | SCORES | RECORD
    assert {job for job in jobs if job.startswith("knockouts/")} == KNOCKOUTS


@pytest.mark.parametrize(
    ("change", "repeated"),
    [
        ({"circuits__threshold": 0.8}, CIRCUITS | CIRCUIT_TABLES),
        ({"circuits__threshold": [0.9, 0.5]}, CIRCUITS),
        ({"circuits__sweep": "deciding"}, CIRCUITS),
        ({"circuits__controls": ["magnitude"]}, CONTROLS),
        ({"circuits__comparison__scopes": ["joint"]}, COMPARISON),
        ({"circuits__comparison__categories": 3}, COMPARISON | MORE_COMPARISON),
        ({"circuits__stability__categories": 1}, STABILITY),
        ({"circuits__pictures": 1}, PICTURES),
        ({"circuits__scoring_images": 2}, CIRCUITS | SCORES | COMPARISON),
        ({"circuits__removed_fractions": [0, 0.5, 0.95]}, CIRCUITS),
        ({"circuits__refinement": 2}, CIRCUITS),
        ({"circuits__choose": "sparsest"}, CIRCUITS),
        ({"circuits__criterion": "faithfulness"}, CIRCUITS),
        ({"circuits__normalisation": "l1"}, CIRCUITS | CONTROLS),
        ({"circuits__scope": "per_layer"}, CIRCUITS | CONTROLS),
        ({"circuits__score": "signed"}, CIRCUITS | SCORES | STABILITY | PICTURES),
        ({"knockouts__proportions": [0, 0.25, 0.5, 1]}, KNOCKOUTS),
        ({"knockouts__repeats": 3}, KNOCKOUTS),
        ({"knockouts__noise": 0.5}, KNOCKOUTS),
        ({"knockouts__kinds": ["node"]}, KNOCKOUTS),
        ({"knockouts__seed": 1}, KNOCKOUTS),
        ({"knockouts__images_per_category": 1}, KNOCKOUTS),
        ({"recordings__layers": ["conv5", "fc6"]}, RECORD),
        ({"recordings__dtype": "float32"}, RECORD | RESPONSES),
        ({"clusters__response_images": 8}, RESPONSES),
        ({"clusters__layers": ["conv1", "fc7"]}, RESPONSES | CLUSTERS | CONCEPT_VECTORS),
        ({"clusters__standardisation": "raw"}, CLUSTERS),
        ({"clusters__neurons_per_point": 100}, CLUSTERS),
        ({"clusters__components": "all"}, CLUSTERS),
        ({"clusters__numbers": [2, 4]}, CLUSTERS),
        ({"clusters__recognised_as": "super_category"}, RECOGNISING),
        ({"clusters__replacement": "mean"}, FOLDS | CLUSTER_LESIONS | CLUSTER_CIRCUITS),
        ({"clusters__random_draws": 4}, CLUSTER_LESIONS),
        ({"clusters__random_images_per_category": 1}, CLUSTER_LESIONS),
        ({"clusters__seed": 1}, CLUSTERS | CLUSTER_LESIONS),
        ({"broden__images_per_category": 2}, {"toybox_broden"}),
        ({"dissection__dtype": "float16"}, DISSECTION_RESPONSES),
        ({"dissection__quantile": 0.01}, DISSECTION | ROTATIONS),
        ({"dissection__thresholds": "sketch"}, DISSECTION | ROTATIONS),
        ({"dissection__seed": 1}, DISSECTION | ROTATIONS),
        (
            {"dissection__minimum_iou": 0.1},
            DISSECTION | ROTATIONS | SHOWN_DETECTORS | CONCEPT_LESIONS | ENRICHMENT,
        ),
        ({"dissection__top_images": 3}, DISSECTION),
        ({"dissection__resamples": 4}, DISSECTION),
        ({"dissection__rotations__strengths": [0.5, 1.0]}, ROTATIONS),
        ({"dissection__rotations__combined_units": [2, 3]}, ROTATIONS),
        ({"dissection__rotations__repeats": 2}, ROTATIONS),
        ({"dissection__rotations__layers": ["conv1", "conv5"]}, {"rotations/small/conv1"}),
        ({"features__channels": 3}, FEATURES),
        ({"features__pyramid_levels": 1}, FEATURES),
        ({"features__jitter": 1}, FEATURES),
        ({"features__smoothing": 0.5}, FEATURES),
        ({"features__layers": ["conv1"]}, {"features/small/fc8"}),
        ({"activations__images": 2}, ACTIVATIONS),
        ({"activations__top_images": 3}, ACTIVATION_TOP_IMAGES),
        ({"activations__seed": 1}, CHOSEN_BY_SEED),
        ({"activations__layers": ["conv1"]}, CHOSEN_BY_SEED | ACTIVATION_TOP_IMAGES),
        ({"activations__occlusion__patch": 0.4}, OCCLUSION),
        ({"activations__occlusion__fill": "grey"}, OCCLUSION),
        ({"activations__manipulation__controls": 2}, MANIPULATION),
        ({"activations__manipulation__level": 0.01}, MANIPULATION),
        ({"identities__views": 4}, {"identities"}),
        ({"identity__training_pairs": 24}, {"identity_pairs"}),
        ({"identity__seed": 1}, {"identity_pairs"} | READOUT | IDENTITY_LESIONS),
        ({"identity__penalties": [0.1]}, READOUT),
        ({"identity__representations": ["both"]}, READOUT),
        ({"identity__readout": "fc6"}, READOUT | IDENTITY_LESIONS),
        ({"identity__layer": "conv4"}, SELECTIVITY | IDENTITY_LESIONS),
        ({"identity__level": 0.01}, SELECTIVITY),
        ({"identity__proportions": [0.2, 0.4]}, IDENTITY_LESIONS),
        ({"identity__noise_levels": []}, IDENTITY_LESIONS),
        ({"identity__random_draws": 3}, IDENTITY_LESIONS),
        ({"joined__layers": ["conv5"]}, {"concept_lesions/small/conv1"} | ENRICHMENT),
        ({"joined__random_draws": 4}, CONCEPT_LESIONS | ENRICHMENT),
        ({"joined__strata": 2}, CONCEPT_LESIONS | ENRICHMENT),
        ({"joined__cluster_draws": 1}, CLUSTER_CIRCUITS),
        ({"joined__random_images_per_category": 1}, CONCEPT_LESIONS),
        ({"joined__cluster_images_per_category": 1}, CLUSTER_CIRCUITS),
        ({"joined__concept_vectors__images": 9}, CONCEPT_VECTORS),
        (
            {"joined__seed": 1},
            CONCEPT_LESIONS | ENRICHMENT | CLUSTER_CIRCUITS | CONCEPT_VECTORS,
        ),
        ({"networks__untrained__seed": 1}, {"network/untrained"}),
        ({"networks__small__training__epochs": 4}, {"network/small"}),
        ({"networks__small__training__threads": 1}, {"network/small"}),
        ({"stimuli__lessons__seed": 1}, {"stimuli/lessons"}),
    ],
)
def test_a_change_repeats_what_it_touches_and_nothing_else(change, repeated):
    assert changed_jobs(specs(tiny()), specs(edited(**change))) == repeated


def test_noise_is_a_setting_only_where_there_is_noise():
    before = edited(knockouts__modes=["zero"])
    after = edited(knockouts__modes=["zero"], knockouts__noise=0.5)
    assert changed_jobs(specs(before), specs(after)) == set()


def test_batches_and_threads_are_settings_of_the_steps_that_compute():
    top_images = {"top_images/small/circuits", "top_images/untrained/circuits"}
    computing = RECORD | CIRCUITS | KNOCKOUTS | CONTROLS | COMPARISON | top_images
    computing |= RESPONSES | FOLDS | CLUSTER_LESIONS | DISSECTION_RESPONSES
    computing |= FEATURES | CHOSEN_BY_SEED | ACTIVATION_TOP_IMAGES | SHOWING_FACES
    computing |= CONCEPT_LESIONS | CLUSTER_CIRCUITS | CONCEPT_VECTORS
    assert changed_jobs(specs(tiny()), specs(edited(compute__batch_size=5))) == computing
    threaded = changed_jobs(specs(tiny()), specs(edited(compute__threads=2)))
    overlap = {"circuit_overlap/small", "circuit_overlap/untrained"}
    counting = DISSECTION | ROTATIONS | CIRCUIT_UNITS | {"filters/small"}
    assert threaded == computing | SCORES | STABILITY | PICTURES | overlap | CLUSTERS | counting


def test_one_more_category_replaces_one_that_was_drawn_at_most():
    names = [f"n{number:04d}" for number in range(60)]
    before = drawn(names[:-1], 10)
    assert len(before) == 10
    assert before == [name for name in names if name in before]
    after = drawn(names, 10)
    assert len(set(before) & set(after)) >= 9
    assert drawn(names, None) == drawn(names, 60) == drawn(names, 99) == names
    assert drawn(names, 0) == []


def test_another_layer_changes_one_group_and_what_is_recorded():
    more = edited(knockouts__layers=["conv1", "fc6", "fc7", "fc8"])
    new = {"knockouts/small/layers_0002", "record/small/seen"}
    assert changed_jobs(specs(tiny()), specs(more)) == new


def test_another_network_changes_nothing_of_the_others():
    raw = tiny()
    raw["networks"]["third"] = {"untrained_twin_of": "small", "seed": 3}
    touched = changed_jobs(specs(tiny()), specs(raw))
    assert all("third" in job or job == "summary" for job in touched)
    assert {"network/third", "record/third/seen", "circuits/third/shard_0000"} <= touched


def reordered(value):
    """The same content with the keys of all sections in the opposite order."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return value


def test_the_order_of_keys_changes_nothing_but_the_order_of_networks():
    before, after = specs(tiny()), specs(reordered(tiny()))
    assert changed_jobs(before, after) <= {"summary"}  # whose rows are in the order of networks


def test_a_default_that_is_written_out_changes_nothing():
    explicit = validate(tiny()).model_dump(mode="json", exclude_none=True)
    for name in explicit["networks"]:
        own = explicit["networks"][name]
        if "untrained_twin_of" in own:
            explicit["networks"][name] = {"untrained_twin_of": "small", "seed": own["seed"]}
    assert "refinement" in explicit["circuits"]
    assert "weight_decay" in explicit["networks"]["small"]["training"]
    assert changed_jobs(specs(tiny()), specs(explicit)) == set()


def test_a_whole_number_is_the_same_as_a_fraction_of_its_value():
    whole = edited(circuits__threshold=1, knockouts__proportions=[0, 1])
    fraction = edited(circuits__threshold=1.0, knockouts__proportions=[0.0, 1.0])
    assert changed_jobs(specs(whole), specs(fraction)) == set()


def test_swapped_values_are_a_change():
    """Names travel with values: the same numbers under other names are other settings."""
    one = edited(networks__small__training__epochs=3, networks__small__training__batch_size=4)
    other = edited(networks__small__training__epochs=4, networks__small__training__batch_size=3)
    assert changed_jobs(specs(one), specs(other)) == {"network/small"}
    kinds = edited(circuits__score="random", knockouts__kinds=["node", "synapse"])
    swapped = edited(circuits__score="random", knockouts__kinds=["synapse", "node"])
    assert changed_jobs(specs(kinds), specs(swapped)) == KNOCKOUTS


def test_specs_hold_no_path_of_this_machine():
    text = canonical(dict(specs(yaml.safe_load((ROOT / "config/config.yaml").read_text()))))
    assert str(ROOT) not in text
    assert str(Path.home()) not in text


def test_categories_are_divided_into_shards_in_their_order():
    assert assign(list("abcdefg"), 3) == {
        "shard_0000": ["a", "b", "c"],
        "shard_0001": ["d", "e", "f"],
        "shard_0002": ["g"],
    }


def test_a_new_category_leaves_the_others_where_they_are():
    twenty = [f"category {n:02d}" for n in range(0, 40, 2)]
    before = assign(twenty, 8)
    after = assign(sorted([*twenty, "category 07"]), 8, before)
    assert after == before | {"shard_0003": ["category 07"]}
    again = assign(sorted([*twenty, "category 07", "category 11"]), 8, after)
    assert again == after | {"shard_0004": ["category 11"]}


def test_a_category_that_goes_changes_its_own_shard_alone():
    before = assign(list("abcdefg"), 3)
    assert assign(list("abcdfg"), 3, before) == before | {"shard_0001": ["d", "f"]}
    assert assign(list("abcg"), 3, before) == {
        "shard_0000": ["a", "b", "c"],
        "shard_0002": ["g"],
    }


def test_shards_that_are_too_large_are_divided_anew_and_smaller_ones_stay():
    assert assign(list("abcd"), 1, {"shard_0000": ["a", "b"], "shard_0001": ["c"]}) == {
        "shard_0000": ["a"],
        "shard_0001": ["c"],
        "shard_0002": ["b"],
        "shard_0003": ["d"],
    }
    small = {"shard_0000": ["a"], "shard_0001": ["b"]}
    assert assign(list("abc"), 25, small) == small | {"shard_0002": ["c"]}


def test_what_is_finished_counts_more_than_what_was_planned_last():
    """A dry run of a small experiment between two runs moves nothing."""
    finished, planned = {"shard_0000": list("abcd")}, {"shard_0000": ["c"]}
    assert assign(list("abcde"), 4, finished, planned) == finished | {"shard_0001": ["e"]}


def test_one_more_category_adds_a_job_and_changes_no_other(tmp_path, monkeypatch):
    """Through the files that a plan leaves behind."""
    monkeypatch.chdir(tmp_path)
    raw = edited(circuits__categories=["dog", "cat"], circuits__categories_per_job=25)
    raw["circuits"] |= {"comparison": None, "stability": None, "pictures": None}
    first = make_plan(validate(raw))
    first.write_specs()
    raw["circuits"]["categories"] = ["dog", "car", "cat"]
    second = make_plan(validate(raw))
    new = {
        f"{kind}/{network}/shard_0001"
        for kind in ("scores", "circuits", "circuit_controls", "circuit_pictures")
        for network in ("small", "untrained")
    }
    new |= {f"{kind}/small/shard_0001" for kind in ("circuit_units", "cluster_circuits")}
    tables = {f"join_tables/{network}/circuits/controls" for network in ("small", "untrained")}
    tables |= {"join_tables/small/joined/cluster_circuits"}
    changed = changed_jobs(first.specs, second.specs)
    assert changed == new | tables | CIRCUIT_TABLES
    # a process on a cluster follows the latest plan
    second.write_specs()
    sharded = {j: s for j, s in second.specs.items() if j.split("/")[0] in ("scores", "circuits")}
    others = make_plan(validate(raw), plans_anew=False).specs
    assert sharded == {job: others[job] for job in sharded}


def test_specs_are_written_only_where_they_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = make_plan(validate(tiny()))
    plan.write_specs()
    files = {path: path.stat().st_mtime_ns for path in Path("results/specs").rglob("*.json")}
    shards = {Path(f"results/specs/shards/{network}.json") for network in ("small", "untrained")}
    specs = {Path(f"results/specs/{job}.json") for job in plan.specs}
    assert set(files) == shards | specs | {MEMORY}
    changed = make_plan(validate(edited(circuits__threshold=0.5)))
    changed.write_specs()
    touched = {path for path, time in files.items() if path.stat().st_mtime_ns != time}
    assert touched == {Path(f"results/specs/{job}.json") for job in CIRCUITS | CIRCUIT_TABLES}
    for job, spec in changed.specs.items():
        written = json.loads(Path(f"results/specs/{job}.json").read_text())
        assert written == spec | {"code": digest(code_digests(step_module(job), spec))}


# --- what the steps wrote


def test_tables_have_the_documented_columns(done):
    folder, _, _ = done

    def columns(path):
        return list(pd.read_csv(folder / RESULTS / path).columns)

    assert columns("small/circuits/summary.csv") == list(CIRCUIT_SUMMARY)
    assert columns("untrained/circuits/sweep.csv") == list(CIRCUIT_SWEEP)
    assert columns("summary.csv") == list(SUMMARY)
    documented = [name for name in KNOCKOUT_PERFORMANCE if name != "sensitivity_NAME"]
    found = columns("small/knockouts/performance.csv")
    for table, columns_of in (
        ("detectors", DISSECTION_DETECTORS),
        ("rotations", DISSECTION_ROTATIONS),
    ):
        assert columns(f"small/dissection/{table}.csv") == list(columns_of)
    assert found[: len(documented)] == documented
    assert found[len(documented) :] == ["sensitivity_animate", "sensitivity_inanimate"]


def test_the_tables_hold_every_category_layer_and_repeat_in_order(done):
    folder, _, _ = done
    summary = pd.read_csv(folder / RESULTS / "small/circuits/summary.csv")
    assert summary["category"].tolist() == ["dog", "car", "cat"]
    table = pd.read_csv(folder / RESULTS / "small/knockouts/performance.csv")
    assert list(dict.fromkeys(table["layer"])) == ["conv1", "fc7", "fc8"]
    # layers x kinds x modes x proportions x repeats
    assert len(table) == 3 * 2 * 2 * 3 * 2
    assert not table.duplicated(["layer", "kind", "mode", "proportion", "repeat"]).any()


def files_under(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def borrow_recordings(folder):
    """Link what circuits and knock-outs are computed from into the working directory."""
    for name in ("stimuli", "small/network", "small/recordings"):
        target = RESULTS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(folder / RESULTS / name)


def test_results_do_not_depend_on_the_size_of_shards(done, tmp_path, monkeypatch):
    folder, _, _ = done
    monkeypatch.chdir(tmp_path)
    borrow_recordings(folder)
    raw = edited(circuits__categories_per_job=1, knockouts__layers_per_job=3)
    raw["circuits"]["networks"] = ["small"]
    for method in ("clusters", "dissection", "features", "activations", "identity", "joined"):
        del raw[method]
    plan = plan_of(raw)
    run(plan, only=("scor", "circuit", "knockout", "join_tables/", "top_images/"))
    assert len(plan.shards("small", ".json")) == 3
    tables = ("summary", "frontier", "sweep", "controls", "overlap", "sharing", "layer_shares")
    for path in (
        *(f"circuits/{table}.csv" for table in (*tables, "score_comparison", "scoring_stability")),
        "knockouts/performance.csv",
    ):
        expected = (folder / RESULTS / "small" / path).read_bytes()
        assert (RESULTS / "small" / path).read_bytes() == expected, path
    for path in ("circuits/masks.json", "circuits/masks.zarr"):
        one, other = RESULTS / "small" / path, folder / RESULTS / "small" / path
        if one.is_file():
            assert one.read_bytes() == other.read_bytes()
        else:
            assert files_under(one) == files_under(other)


def test_a_run_that_is_repeated_writes_the_same(done, tmp_path, monkeypatch):
    folder, _, _ = done
    monkeypatch.chdir(tmp_path)
    plan = plan_of(tiny())
    run(plan, only=("stimuli/", "network/", "record/", "scores/small"))
    for path in ("stimuli", "small/network", "small/recordings", "small/circuits/scores"):
        assert files_under(RESULTS / path) == files_under(folder / RESULTS / path), path


@pytest.mark.parametrize("score", ["magnitude", "random"])
def test_controls_need_no_scoring(done, tmp_path, monkeypatch, score):
    folder, _, _ = done
    monkeypatch.chdir(tmp_path)
    borrow_recordings(folder)
    raw = copy.deepcopy(edited(circuits__score=score))
    raw["circuits"]["networks"] = ["small"]
    run(plan_of(raw), only=("scores/", "circuits/", "circuit_tables/"))
    summary = pd.read_csv(RESULTS / "small/circuits/summary.csv")
    assert summary["score"].tolist() == [score] * 3
