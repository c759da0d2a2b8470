"""What runs again after a change, and what does not."""

import os
import subprocess
import sys

import yaml

SUMMARY = {"summarise": 1, "draw_headlines": 1}
# one shard has the category that is pictured
PICTURES = {"picture_circuits": 1, "draw_circuit_pictures": 1}
OF_CIRCUITS = {"control_circuits": 2, "join_tables": 1, "overlap_circuits": 1, "draw_overlap": 1}
AFTER_CIRCUITS = {"join_circuits": 1, "draw_circuits": 1, **OF_CIRCUITS, **PICTURES, **SUMMARY}
AFTER_LESIONS = {"join_tables": 4, "draw_clusters": 1, **SUMMARY}
DRAW_DISSECTION = {"draw_dissection": 1, "draw_dissected_networks": 1}
AFTER_DISSECTION = {"make_gallery": 2, **DRAW_DISSECTION, **SUMMARY}
AFTER_ROTATIONS = {"draw_rotations": 1, **SUMMARY}
AFTER_KNOCKOUTS = {
    "join_tables": 1,
    "measure_knockout_areas": 1,
    "draw_knockouts": 1,
    **SUMMARY,
}
AFTER_COVERING = {"draw_interventions": 1, **SUMMARY}
AFTER_IDENTITY = {"draw_identity": 1, **SUMMARY}


def test_nothing_to_do_after_a_finished_run(finished):
    assert finished.planned() == {}


def test_threshold_repeats_extraction_but_not_scoring(copy):
    copy.change("circuits", "threshold", to=0.7)
    assert copy.planned() == {"extract_circuits": 2, **AFTER_CIRCUITS}


def test_knockout_proportion_repeats_knockouts_alone(copy):
    copy.change("knockouts", "proportions", to=[0.0, 0.25, 1.0])
    assert copy.planned() == {"knock_out": 2, **AFTER_KNOCKOUTS}


def test_more_random_lesions_repeat_lesions_but_no_clustering(copy):
    copy.change("clusters", "random_draws", to=6)
    assert copy.planned() == {"lesion_clusters": 1, **AFTER_LESIONS}


def test_other_numbers_of_clusters_repeat_clustering_but_no_recording(copy):
    copy.change("clusters", "numbers", to=[2, 4])
    clustering = {"validate_clusters": 2, "cluster_neurons": 1, "lesion_clusters": 1}
    assert copy.planned() == {**clustering, **AFTER_LESIONS}


def test_another_layer_of_clusters_repeats_no_circuits(copy):
    copy.change("clusters", "layers", to=["conv3", "fc7"])
    clustering = {"validate_clusters": 2, "cluster_neurons": 1, "lesion_clusters": 1}
    assert copy.planned() == {"record_responses": 1, **clustering, **AFTER_LESIONS}


def test_another_quantile_repeats_dissection_but_no_recording(copy):
    copy.change("dissection", "quantile", to=0.01)
    again = {"dissect": 2, "dissect_rotations": 1, "join_tables": 2}
    assert copy.planned() == {**again, **AFTER_ROTATIONS, **AFTER_DISSECTION}


def test_other_rotations_repeat_the_other_bases_alone(copy):
    copy.change("dissection", "rotations", "strengths", to=[0.5, 1.0])
    assert copy.planned() == {"dissect_rotations": 1, "join_tables": 1, **AFTER_ROTATIONS}


def test_other_labelled_images_repeat_dissection_alone(copy):
    copy.change("broden", "images_per_category", to=3)
    made = {"make_toybox_broden": 1, "make_labelled_images": 1, "record_dissection_responses": 1}
    again = {"dissect": 2, "dissect_rotations": 1, "join_tables": 2}
    covered = {"cover_parts": 1, **AFTER_COVERING}
    assert copy.planned() == {**made, **again, **AFTER_ROTATIONS, **AFTER_DISSECTION, **covered}


def test_each_way_of_looking_at_units_repeats_alone(copy):
    copy.change("features", "iterations", to=3)
    copy.change("activations", "occlusion", "patch", to=0.4)
    copy.change("activations", "manipulation", "controls", to=2)
    again = {"visualise_features": 1, "map_occlusion": 1, "cover_parts": 1}
    assert copy.planned() == {**again, "draw_features": 1, "draw_activations": 1, **AFTER_COVERING}


def test_other_lesions_repeat_no_readout(copy):
    copy.change("identity", "proportions", to=[0.2, 0.4])
    assert copy.planned() == {"lesion_selective_units": 1, **AFTER_IDENTITY}
    copy.change("identity", "layer", to="conv4")
    lesions = {"measure_selectivity": 1, "lesion_selective_units": 1}
    assert copy.planned() == {**lesions, **AFTER_IDENTITY}


def test_further_thresholds_repeat_extraction_but_not_scoring(copy):
    copy.change("circuits", "threshold", to=[0.8, 0.5])
    assert copy.planned() == {"extract_circuits": 2, **AFTER_CIRCUITS}


def test_other_controls_repeat_controls_alone(copy):
    copy.change("circuits", "controls", to=["magnitude"])
    draw = {"draw_circuits": 1, **SUMMARY}
    assert copy.planned() == {"control_circuits": 2, "join_tables": 1, **draw}


def test_another_picture_repeats_pictures_alone(copy):
    copy.change("circuits", "pictures", to=0)
    assert copy.planned() == {}
    copy.change("circuits", "pictures", to=None)
    assert copy.planned() == {"picture_circuits": 2, "draw_circuit_pictures": 1}


def test_score_kind_repeats_scoring_but_not_recording(copy):
    copy.change("circuits", "score", to="signed")
    assert copy.planned() == {"score_weights": 2, "extract_circuits": 2, **AFTER_CIRCUITS}


def test_two_values_swapped_repeat(copy):
    """Snakemake compares params as a set without names; specs carry the names."""
    copy.change("stimuli", "toybox", "images", to={"scoring": 6, "extraction": 2, "evaluation": 30})
    assert copy.planned()["make_stimuli"] == 1


def test_order_of_keys_and_explicit_defaults_change_nothing(copy):
    content = yaml.safe_load(copy.configuration.read_text())
    content["circuits"]["criterion"] = "faithfulness"
    backwards = {key: content[key] for key in reversed(content)}
    copy.configuration.write_text(yaml.safe_dump(backwards, sort_keys=False))
    assert copy.planned() == {}


def test_touched_files_change_nothing(copy):
    for spec in (copy.folder / "results" / "specs").rglob("*.json"):
        os.utime(spec)
    assert copy.planned() == {}


def test_audit_names_what_does_not_match(copy):
    command = [sys.executable, "-m", "anatomy.audit", "--configfile", copy.configuration.name]

    def audit():
        return subprocess.run(command, cwd=copy.folder, capture_output=True, text=True, check=False)

    assert audit().returncode == 0
    copy.change("circuits", "threshold", to=0.7)
    stale = audit()
    assert stale.returncode == 1
    assert "circuits/small/shard_0000: made with other settings of thresholds" in stale.stdout
    assert "scores" not in stale.stdout
