"""What docs/extending.md promises: a file dropped into its folder is all that it takes.

Each example of the document is written into a copy of the library, and used there as any other alternative.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from anatomy.config.validation import validate
from anatomy.dependencies import NAMED_BY, library_files, module_path
from anatomy.plan import make_plan, step_module

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"```python\n# (workflow/\S+\.py)\n(.*?)```", re.DOTALL)
EXAMPLES = dict(EXAMPLE.findall((ROOT / "docs" / "extending.md").read_text(encoding="utf-8")))
SQUARED = "workflow/anatomy/score_kinds/squared.py"
NEGATE = "workflow/anatomy/knockout_modes/negate.py"
BARS = "workflow/anatomy/stimuli/sources/bars.py"

# job -> digest of its code; nothing that is needed for it may import torch
PLAN = """
import json, sys
from anatomy.config.checks import check
from anatomy.config.validation import validate
from anatomy.dependencies import code_digest
from anatomy.errors import InputError
from anatomy.plan import make_plan, step_module

try:
    configuration = validate(json.load(sys.stdin))
    check(configuration)
except InputError as error:
    sys.exit(str(error))
specs = make_plan(configuration).specs
assert not {"torch", "zarr"} & set(sys.modules), "planning has to be quick"
codes = {job: code_digest(step_module(job), spec) for job, spec in specs.items()}
print(json.dumps({"specs": specs, "codes": codes}))
"""


@dataclass(frozen=True)
class Library:
    """A copy of the library, into which files can be dropped."""

    root: Path

    def add(self, path: str) -> None:
        """Write a file of the documentation."""
        file = self.root / path
        assert file.parent.is_dir(), "a new file needs no new folder"
        assert not file.exists()
        file.write_text(EXAMPLES[path], encoding="utf-8")

    def edit(self, path: str) -> None:
        """Add a comment to a file."""
        with (self.root / path).open("a", encoding="utf-8") as file:
            file.write("# an edit\n")

    def run(self, program: str, given: Any = None) -> subprocess.CompletedProcess[str]:
        """Run Python with this library."""
        places = [self.root / "workflow", Path(__file__).parent]
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))},
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
        )

    def found(self, program: str, given: Any = None) -> Any:
        """What a program prints, read as JSON."""
        done = self.run(program, given)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def plan(self, **changes: Any) -> dict[str, Any]:
        """Specs and digests of code of the default configuration, some keys of whose sections are changed."""
        return self.found(PLAN, configuration(**changes))

    def refusal(self, **changes: Any) -> str:
        """The sentence by which a configuration is refused."""
        done = self.run(PLAN, configuration(**changes))
        assert done.returncode == 1
        return done.stderr


def configuration(**changes: dict[str, Any]) -> dict[str, Any]:
    raw = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    return raw | {section: raw.get(section, {}) | own for section, own in changes.items()}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    shutil.copytree(
        ROOT / "workflow" / "anatomy",
        tmp_path / "workflow" / "anatomy",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    return Library(tmp_path)


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Steps, and kinds of figures, of the jobs whose code has changed."""
    codes = before["codes"], after["codes"]
    differing = [job for job in codes[0] if codes[0][job] != codes[1].get(job)]
    return {job.rsplit("/", job.count("/") - job.startswith("figures/"))[0] for job in differing}


# --- a weight score

SCORE = """
import json
from pathlib import Path
import torch
from small import INPUT, network_of, new
from anatomy.figures.score_comparison import score_looks
from anatomy.score_files import ScoreFile, write_scores
from anatomy.scores import contributions, score_weights

images = torch.randn(3, 3, INPUT, INPUT, generator=torch.Generator().manual_seed(1))
errors, kinds = {}, {}
for name in ("alexnet", "squeeze"):
    network = network_of(new(name))
    layers = [layer.name for layer in network.layers]
    made = score_weights(network, images, 2, "squared", layers)
    about = {"score": "squared", "categories": ["dog"]}
    paths = Path(f"{name}.zarr"), Path(f"{name}.json")
    write_scores([("dog", made)], *paths, about)
    read = ScoreFile(*paths, about).read("dog", network)
    every = {n: torch.arange(network.module(n).weight.numel()) for n in layers}
    single = contributions(network, images, 2, "squared", every)
    network.graph.requires_grad_(True)
    for layer in layers:
        weight = network.module(layer).weight
        expected = torch.zeros_like(weight)
        for image in images:
            (gradient,) = torch.autograd.grad(network.graph(image[None])[0, 2], weight)
            expected += (weight * gradient).detach() ** 2 / len(images)
        largest = expected.max()
        found = read[layer].dense(weight), single[layer].mean(0).view(weight.shape)
        errors[f"{name} {layer}"] = [float((own - expected).abs().max() / largest) for own in found]
        kinds[f"{name} {layer}"] = type(read[layer]).__name__
print(json.dumps([errors, kinds, score_looks()]))
"""


def test_a_weight_score_is_one_file(library: Library) -> None:
    circuits = {"score": "squared", "comparison": {"scores": ["squared", "random"]}}
    refused = "circuits.score = 'squared' is not possible: it must be 'absolute_per_image', "
    assert refused in library.refusal(circuits=circuits)
    library.add(SQUARED)
    specs = library.plan(circuits=circuits)["specs"]
    assert specs["scores/toybox_alexnet/shard_0000"]["score"] == "squared"
    # it looks at images, so its stability can be measured
    assert specs["scoring_stability/toybox_alexnet/shard_0000"]["score"] == "squared"
    errors, kinds, looks = library.found(SCORE)
    assert len(errors) == 5 + 4
    assert max(error for own in errors.values() for error in own) < 1e-5
    # factors are kept of linear layers, whatever the kind
    linear = {layer for layer, kind in kinds.items() if kind == "LinearScores"}
    assert linear == {"alexnet fc3", "alexnet fc4", "alexnet fc5"}
    assert looks["squared"][0] == "squared, per image"
    assert len({color for _, color in looks.values()}) == len(looks)


def test_a_weight_score_repeats_what_uses_it(library: Library) -> None:
    without = library.plan()
    library.add(SQUARED)
    # its figure reads the labels of all kinds
    assert changed(without, library.plan()) == {"figures/score_comparison"}
    before = library.plan(circuits={"score": "squared"})
    library.edit(SQUARED)
    assert changed(before, library.plan(circuits={"score": "squared"})) == {
        *("scores", "circuits", "circuit_pictures", "scoring_stability"),
        "figures/score_comparison",
    }


# --- a mode of knock-outs

KNOCK_OUT = """
import json
import pandas as pd
from small import network_of, new
from anatomy.figures.knockouts import performance_curves
from anatomy.knockouts import Sweep, run_sweep

network = network_of(new("alexnet"))
weight = network.module("fc3").weight
before = weight.detach().clone()
sweep = Sweep("fc3", "synapse", "negate", 0, (0.0, 0.25, 1.0))
seen = {p: w for p, w in run_sweep(network, sweep, lambda: weight.detach().clone(), {})}
turned = {p: int((w == -before).sum()) for p, w in seen.items()}
kept = {p: int((w == before).sum()) for p, w in seen.items()}
about = {"layer": "fc3", "kind": "synapse", "mode": "negate", "repeat": 0}
rows = pd.DataFrame([about | {"proportion": p, "top1": 1 - p} for p in seen])
(panel,) = performance_curves(rows).axes
print(json.dumps([turned, kept, panel.get_title(loc="left")]))
"""


def test_a_mode_of_knock_outs_is_one_file(library: Library) -> None:
    modes = {"modes": ["zero", "negate"]}
    refused = "knockouts.modes[1] = 'negate' is not possible: it must be 'mean', 'noise', "
    assert refused in library.refusal(knockouts=modes)
    library.add(NEGATE)
    specs = library.plan(knockouts=modes)["specs"]
    assert specs["knockouts/toybox_alexnet/layers_0000"]["modes"] == ["zero", "negate"]
    turned, kept, title = library.found(KNOCK_OUT)
    # of 2,160 weights, none of which is 0
    assert turned == {"0.0": 0, "0.25": 540, "1.0": 2160}
    assert kept == {"0.0": 2160, "0.25": 1620, "1.0": 0}
    assert title.endswith("with the sign turned")


def test_a_mode_of_knock_outs_repeats_what_uses_it(library: Library) -> None:
    without = library.plan()
    library.add(NEGATE)
    # their figures and the atlas read the labels of all modes
    assert changed(without, library.plan()) == {"figures/knockouts", "atlas"}
    modes = {"modes": ["zero", "negate"]}
    before = library.plan(knockouts=modes)
    library.edit(NEGATE)
    assert changed(before, library.plan(knockouts=modes)) == {
        *("knockouts", "figures/knockouts", "atlas")
    }


# --- a source of stimuli

IMAGES = {"scoring": 1, "extraction": 0, "evaluation": 3}
MAKE_BARS = """
import json, sys
from pathlib import Path
from anatomy.steps import stimuli as step
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import StimulusSet

spec = json.load(sys.stdin)
paths = {name: [Path(f"bars.{name}")] for name in ("store", "manifest", "table")}
step.main(Job(spec, 0, paths | {"download": []}))
found = StimulusSet.open(*(paths[name][0] for name in ("store", "manifest", "table")))
images = found.images(slice(None))
table = found.table
print(json.dumps([table["category"].tolist(), table["split"].tolist(), images.tolist()]))
"""


def test_a_source_of_stimuli_is_one_file(library: Library) -> None:
    section = {"source": "bars", "width": 3, "image_size": 10, "images": IMAGES}
    stimuli = {"bars": section}
    refused = "stimuli.bars.source = 'bars' is not possible: it must be 'folder' or 'imagenette'"
    assert refused in library.refusal(stimuli=stimuli)
    library.add(BARS)
    narrow = {"bars": section | {"width": 0}}
    assert "stimuli.bars.width = 0 is not possible" in library.refusal(stimuli=narrow)
    spec = library.plan(stimuli=stimuli)["specs"]["stimuli/bars"]
    assert spec["width"] == 3
    categories, splits, images = library.found(MAKE_BARS, spec)
    # 4 images of each category, in the order of splits
    assert splits == ["scoring"] * 2 + ["evaluation"] * 6
    assert categories == ["upright", "level"] + ["upright"] * 3 + ["level"] * 3
    starts = set()
    for category, image in zip(categories, np.array(images), strict=True):
        lines = image if category == "level" else image.swapaxes(0, 1)
        # every line is of one grey, and three side by side are white
        assert (lines == lines[:, :1, :1]).all()
        white = np.flatnonzero(lines[:, 0, 0] == 255)
        assert (np.diff(white) == 1).all()
        assert white.size == 3
        assert lines.sum() == 3 * 10 * 3 * 255
        starts.add(white[0])
    assert len(starts) > 2


def test_a_source_of_stimuli_repeats_what_uses_it(library: Library) -> None:
    without = library.plan()
    library.add(BARS)
    assert changed(without, library.plan()) == set()
    stimuli = {"bars": {"source": "bars"}}
    before = library.plan(stimuli=stimuli)
    library.edit(BARS)
    after = library.plan(stimuli=stimuli)
    assert (
        before["codes"].keys()
        == after["codes"].keys()
        == without["codes"].keys() | {"stimuli/bars"}
    )
    differing = [job for job, code in after["codes"].items() if code != before["codes"][job]]
    assert differing == ["stimuli/bars"]


def test_the_documentation_of_a_further_source_has_its_place(library: Library) -> None:
    shutil.copytree(ROOT / "config", library.root / "config")
    shutil.copytree(ROOT / "docs", library.root / "docs")
    library.add(BARS)
    done = library.run(
        "import anatomy.config.schema as schema\n"
        "for path, text in schema.documents().items():\n"
        "    path.write_text(text, encoding='utf-8')\n"
    )
    assert done.returncode == 0, done.stderr
    readme = (library.root / "config" / "README.md").read_text(encoding="utf-8")
    assert "### Source `bars`" in readme
    assert "| `width` | whole number ≥ 1 | `4` | width of a bar, pixels |" in readme
    assert '"bars"' in (library.root / "config" / "config.schema.json").read_text(encoding="utf-8")


# --- all of them


@pytest.mark.parametrize("package", NAMED_BY)
def test_a_job_says_which_alternatives_it_loads_or_reads_labels_alone(package: str) -> None:
    """Else its code would not be known to be all alternatives with what they import."""
    file = str(module_path(package).relative_to(ROOT))
    specs = make_plan(validate(configuration())).specs
    users = {job: spec for job, spec in specs.items() if file in library_files(step_module(job))}
    assert users
    for job, spec in users.items():
        assert job.startswith(("figures/", "atlas/")) or set(NAMED_BY[package]) & set(spec), job
