"""Every change of docs/incremental.md, made in a working directory with a finished run."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from given_files import give_photograph, give_weights
from runs import Run

CHANGES: dict[str, Callable[[Run], None]] = {}
A_DAY = 86400


def change(name: str) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """Register what makes the change of that name."""

    def register(function: Callable[[Run], None]) -> Callable[[Run], None]:
        CHANGES[name] = function
        return function

    return register


def configured(name: str, *keys: str, to: object) -> None:
    """Register a change of one value of the configuration."""
    CHANGES[name] = lambda run: run.change(*keys, to=to)


CHANGES["**nothing, after a finished run**"] = lambda _run: None

# --- stimuli

IMAGES = ("stimuli", "toybox", "images")
configured(
    "`stimuli`: more images of a set",
    *IMAGES,
    to={"scoring": 2, "extraction": 6, "evaluation": 31},
)
configured(
    "`stimuli`: two numbers swapped",
    *IMAGES,
    to={"scoring": 6, "extraction": 2, "evaluation": 30},
)
configured(
    "`stimuli`: a category more, or less, in a set",
    *("stimuli", "toybox", "categories"),
    to=["dog", "fish", "car"],
)
configured("`broden`: more images", "broden", "images_per_category", to=3)
configured("`identities`: another seed", "identities", "seed", to=5)


@change("files added to a folder of images, so that others are drawn")
def _photographs_added(run: Run) -> None:
    for number in range(8):
        give_photograph(run.folder / f"photographs/val/dog/new_{number}.png", seed=99 + number)


@change("a file of images replaced by another")
def _photograph_replaced(run: Run) -> None:
    for path in (run.folder / "photographs/val/dog").iterdir():
        size, times = path.stat().st_size, _times(path)
        path.unlink()
        give_photograph(path, seed=99)
        assert path.stat().st_size != size
        os.utime(path, ns=times)


@change("a hidden file added to a folder of images")
def _hidden_file(run: Run) -> None:
    (run.folder / "photographs/val/dog/.thumbnails").touch()


@change("an image touched")
def _photograph_touched(run: Run) -> None:
    for path in (run.folder / "photographs").rglob("*.png"):
        _touch(path)


# --- networks

configured("`networks`: longer training", "networks", "small", "training", "epochs", to=4)
configured(
    "`networks`: other preprocessing",
    *("networks", "loaded", "preprocessing"),
    to={"input_size": 64, "mean": [0.4, 0.4, 0.4]},
)


@change("a network added: an untrained twin, dissected")
def _network_added(run: Run) -> None:
    run.change("networks", "untrained", to={"untrained_twin_of": "small"})
    run.change("dissection", "networks", to=["small", "untrained"])


@change("weights replaced")
def _weights_replaced(run: Run) -> None:
    path = run.folder / "weights.safetensors"
    path.unlink()
    give_weights(path, seed=1)


@change("weights replaced by an older file")
def _older_weights(run: Run) -> None:
    _weights_replaced(run)
    _make_older(run.folder / "weights.safetensors")


@change("weights touched")
def _weights_touched(run: Run) -> None:
    _touch(run.folder / "weights.safetensors")


@change("the file of an architecture edited")
def _architecture_edited(run: Run) -> None:
    edit(run.folder / "my_network.py")


@change("the file of an architecture touched")
def _architecture_touched(run: Run) -> None:
    _touch(run.folder / "my_network.py")


@change("the file of an architecture moved")
def _architecture_moved(run: Run) -> None:
    (run.folder / "models").mkdir()
    (run.folder / "my_network.py").rename(run.folder / "models" / "renamed.py")
    run.change("networks", "loaded", "architecture", to="models/renamed.py:my_network")


# --- circuits

configured("`circuits`: another threshold", "circuits", "threshold", to=0.7)
configured("`circuits`: further thresholds", "circuits", "threshold", to=[0.8, 0.5])
configured("`circuits`: another kind of score", "circuits", "score", to="signed")
configured(
    "`circuits`: a category added", "circuits", "categories", to=["dog", "fish", "car", "cup"]
)
configured("`circuits`: a category taken away", "circuits", "categories", to=["dog", "car"])
configured("`circuits`: larger shards", "circuits", "categories_per_job", to=25)
configured("`circuits`: other controls", "circuits", "controls", to=["magnitude"])
configured("`circuits`: more pictures", "circuits", "pictures", to=None)

# --- other methods

configured("`recordings`: another layer", "recordings", "layers", to=["conv4"])
configured("`knockouts`: another proportion", "knockouts", "proportions", to=[0.0, 0.25, 1.0])
configured("`clusters`: more random lesions", "clusters", "random_draws", to=6)
configured("`clusters`: other numbers of clusters", "clusters", "numbers", to=[2, 4])
configured("`clusters`: another layer", "clusters", "layers", to=["conv3", "fc7"])
configured("`dissection`: another quantile", "dissection", "quantile", to=0.01)
configured("`dissection`: other rotations", "dissection", "rotations", "strengths", to=[0.5, 1.0])
configured("`features`: more iterations", "features", "iterations", to=3)
configured("`activations`: another occluder", "activations", "occlusion", "patch", to=0.4)
configured(
    "`activations`: more controls of covered parts",
    *("activations", "manipulation", "controls"),
    to=2,
)
configured("`joined`: more random units", "joined", "random_draws", to=6)
configured("`joined`: more random lesions of clusters", "joined", "cluster_draws", to=3)
configured("`joined`: other images of concept vectors", "joined", "concept_vectors", "images", to=9)
configured("`identity`: another lesioned layer", "identity", "layer", to="conv4")
configured("`identity`: other doses", "identity", "proportions", to=[0.2, 0.4])
configured("`compute`: another batch size", "compute", "batch_size", to=16)


@change("a method taken away: knock-outs, whose recordings have other layers")
def _without_knockouts(run: Run) -> None:
    content = run.content()
    del content["knockouts"]
    run.write(content)


# --- code


@change("a comment in the step that extracts circuits")
def _step_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/steps/circuits.py")


@change("the module of scores edited")
def _scores_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/scores.py")


@change("the file of the circuits' kind of score edited")
def _kind_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/score_kinds/absolute_per_image.py")


@change("the file of a control's kind of score edited")
def _control_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/score_kinds/random.py")


@change("the file of a kind of score that is not used edited, and another added")
def _other_kinds(run: Run) -> None:
    kinds = run.source / "workflow/anatomy/score_kinds"
    edit(kinds / "signed.py")
    (kinds / "added.py").write_text('LABEL = "added"\n', encoding="utf-8")


@change("the file of a mode of knock-outs edited")
def _mode_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/knockout_modes/zero.py")


@change("the file of a mode of knock-outs added")
def _mode_added(run: Run) -> None:
    added = run.source / "workflow/anatomy/knockout_modes/added.py"
    added.write_text('LABEL = "added"\n', encoding="utf-8")


@change("the file of a source of stimuli edited")
def _source_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/stimuli/sources/folder.py")


@change("a step copied with an old time")
def _old_module(run: Run) -> None:
    path = run.source / "workflow/anatomy/steps/circuits.py"
    edit(path)
    _make_older(path)


@change("the style of figures edited")
def _style_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/figures/style.py")


@change("a module that no step imports edited")
def _audit_edited(run: Run) -> None:
    edit(run.source / "workflow/anatomy/audit.py")


@change("a caption of the report edited")
def _caption_edited(run: Run) -> None:
    edit(run.source / "workflow/report/circuit_sizes.rst")


@change("every module touched")
def _modules_touched(run: Run) -> None:
    for path in (run.source / "workflow").rglob("*.py"):
        _touch(path)


# --- results and configuration


@change("a table deleted: the overlap of circuits")
def _table_deleted(run: Run) -> None:
    (run.folder / "results/small/circuits/overlap.csv").unlink()


@change("the order of keys, and defaults written out")
def _keys_in_another_order(run: Run) -> None:
    content = run.content()
    content["circuits"]["criterion"] = "faithfulness"
    run.write({key: content[key] for key in reversed(content)})


@change("a comment in the configuration")
def _comment(run: Run) -> None:
    edit(run.configuration)


@change("every spec touched")
def _specs_touched(run: Run) -> None:
    for path in (run.folder / "results/specs").rglob("*.json"):
        _touch(path)


@change("results copied to another place")
def _copied(run: Run) -> None:
    """With the times of files, as `cp -a` and `rsync -a` do."""
    moved = run.folder.with_name("moved")
    shutil.copytree(run.folder, moved, symlinks=True)
    shutil.rmtree(run.folder)
    moved.rename(run.folder)


def edit(path: Path) -> None:
    """Add a comment to a file that a copy may share with its original."""
    text = path.read_text(encoding="utf-8")
    path.unlink()
    path.write_text(f"{text}\n# an edit\n", encoding="utf-8")


def _touch(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def _times(path: Path) -> tuple[int, int]:
    return path.stat().st_atime_ns, path.stat().st_mtime_ns


def _make_older(path: Path) -> None:
    before = time.time() - A_DAY
    os.utime(path, (before, before))
