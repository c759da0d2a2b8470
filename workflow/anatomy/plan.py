"""From a configuration to the jobs it asks for: each job's settings, complete and nothing else.

A job's specification ("spec") names all and only the settings that its step uses, resolved and validated. It is
written as canonical JSON under results/specs/, together with a digest of the library files that the step imports, and
is an input of the job, so that a job repeats exactly when its own settings or its own code change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anatomy.activation_plan import activation_specs
from anatomy.atlas_plan import atlas_inputs, atlas_specs
from anatomy.broden_plan import broden_specs
from anatomy.circuit_plan import (
    PART_TABLES,
    circuit_specs,
    fully_connected_stage,
)
from anatomy.cluster_plan import HURT_IMAGES, JOINED_TABLES, cluster_specs
from anatomy.config import resolution
from anatomy.config.configuration import METHODS, Configuration
from anatomy.config.dissection import BrodenArchive
from anatomy.config.splits import MEASURED_SPLITS
from anatomy.dependencies import CODE, code_digest, files_of_job, remember_imports
from anatomy.dissection_plan import dissection_specs
from anatomy.feature_plan import feature_specs
from anatomy.figure_plan import FIGURE_FOLDERS, FIGURE_STEPS, FIGURES, figure_specs
from anatomy.file_digests import known_digest
from anatomy.identity_plan import identity_specs, picture_specs
from anatomy.joined_plan import PART_TABLES as JOINED_PARTS
from anatomy.joined_plan import joined_specs
from anatomy.knockout_plan import knockout_specs
from anatomy.shards import ASSIGNMENTS, SPECS
from anatomy.spec_files import write_specs
from anatomy.stimuli.sources.imagenette import ImagenetteStimuli

# methods whose stimulus sets are recorded, for what they read and for the performance of the intact network
RECORDED = ("circuits", "knockouts", "clusters")
LESION_TABLES = ("lesions", "dissociation")
Spec = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The jobs of a configuration.

    Attributes
    ----------
    configuration : what the jobs were planned from
    specs : job name, e.g. "record/alexnet/imagenette" -> its settings
    """

    configuration: Configuration
    specs: Mapping[str, Spec]

    def write_specs(self) -> None:
        """Write every spec whose content has changed, and hold them as they are until this process ends.

        With the settings goes a digest of the code that the job runs. Snakemake looks at the content of an input only
        where the file is newer than the outputs, so a module that comes with an old time, as `rsync -a` copies it,
        would go unnoticed if it were an input itself.
        """
        files = {
            job: spec | {CODE: code_digest(step_module(job), spec)}
            for job, spec in self.specs.items()
        }
        remember_imports(
            {
                file
                for job, spec in self.specs.items()
                for file in files_of_job(step_module(job), spec)
            }
        )
        for network in self.specs["summary"]["circuits"]:
            shards = self.parts("scores", network)
            files[f"{ASSIGNMENTS}/{network}"] = {
                shard: self.specs[f"scores/{network}/{shard}"]["categories"] for shard in shards
            }
        write_specs(SPECS, files)

    def parts(self, step: str, network: str) -> list[str]:
        """Names of the jobs that a step of one network is divided into; of figures, the networks of one kind."""
        prefix = f"{step}/{network}/"
        return [job.removeprefix(prefix) for job in self.specs if job.startswith(prefix)]

    def targets(self) -> dict[str, list[str]]:
        """Method -> the files that it promises."""
        return {
            "stimuli": self._stimuli_targets(),
            "networks": [_description(name) for name in self.configuration.networks],
            "circuits": [
                table
                for network in self.specs["summary"]["circuits"]
                for table in (*self.tables_of_circuits(network), *self.joined_tables(network))
            ],
            "knockouts": [
                path
                for table in ("performance", "areas", "categories")
                for path in self.tables("knockouts", table)
            ],
            "clusters": [
                path
                for table in ("cv", "choice", *JOINED_TABLES)
                for path in self.tables("clusters", table)
            ],
            "dissection": self._dissection_targets(),
            "features": [
                path
                for network in self.specs["summary"]["features"]
                for path in (*self.feature_tables(network), self.filter_table(network))
            ],
            "activations": self._activation_targets(),
            "identity": [
                path
                for table in ("cross_validation", "accuracy", "selectivity", *LESION_TABLES)
                for path in self.tables("identity", table)
            ],
            "joined": self.joined_results(),
            "figures": self._figure_targets(),
            "atlas": self.atlases() + ["results/atlas.html"] * ("atlases" in self.specs),
        }

    def tables(self, method: str, table: str) -> list[str]:
        """One table of a method, of each network that has it."""
        return [f"results/{n}/{method}/{table}.csv" for n in self.specs["summary"][method]]

    @staticmethod
    def tables_of_circuits(network: str) -> list[str]:
        """The tables that every network with circuits has."""
        return [f"results/{network}/circuits/{table}.csv" for table in ("summary", "overlap")]

    def cluster_folds(self, network: str) -> list[str]:
        """The tables of all folds of a network's cross-validation."""
        names = self.parts("cluster_fold", network)
        return [f"results/{network}/clusters/parts/folds/{name}.parquet" for name in names]

    def network_descriptions(self) -> list[str]:
        """Descriptions of the networks that the summary covers."""
        return [_description(name) for name in self.specs["summary"]["networks"]]

    def recordings(self) -> list[str]:
        """Manifests of all recordings."""
        return [_recording(*job.split("/")[1:]) for job in self.specs if job.startswith("record/")]

    def recorded_stimuli(self) -> list[str]:
        """Manifests of the stimulus sets that are recorded."""
        names = dict.fromkeys(job.split("/")[2] for job in self.specs if job.startswith("record/"))
        return [_stimuli(name) for name in names]

    def stimuli_of(self, method: str) -> str:
        """Manifest of the stimulus set that a method shows."""
        return _stimuli(getattr(self.configuration, method).stimuli)

    def recording_of(self, method: str, network: str) -> str:
        """Manifest of the recording that a method reads."""
        return _recording(network, getattr(self.configuration, method).stimuli)

    def shards(self, network: str, ending: str) -> list[str]:
        """One file of every shard of a network's circuits."""
        names = self.parts("circuits", network)
        return [f"results/{network}/circuits/shards/{name}{ending}" for name in names]

    def table_parts(self, network: str, method: str, table: str) -> list[str]:
        """The parts that a table of a network is joined from."""
        if method == "knockouts":
            names = self.parts("knockouts", network)
            return [f"results/{network}/knockouts/parts/{name}.parquet" for name in names]
        if method == "dissection":
            step = "dissection" if table == "detectors" else table
            names = self.parts(step, network)
            return [f"results/{network}/dissection/{name}/{table}.parquet" for name in names]
        if method == "clusters":
            names = self.parts("cluster_lesions", network)
            return [f"results/{network}/clusters/parts/{table}/{name}.parquet" for name in names]
        if method == "joined":
            names = self.parts(JOINED_PARTS[table], network)
            return [f"results/{network}/joined/parts/{table}/{name}.parquet" for name in names]
        names = self.parts(PART_TABLES[table], network)
        return [f"results/{network}/circuits/parts/{table}/{name}.parquet" for name in names]

    def dissected(self, network: str, file: str) -> list[str]:
        """One file of every layer of a network that is dissected."""
        layers = self.parts("dissection", network)
        return [f"results/{network}/dissection/{layer}/{file}" for layer in layers]

    def knockout_categories(self, network: str) -> list[str]:
        """Sensitivity for each category in the sweeps of a network."""
        names = self.parts("knockouts", network)
        return [f"results/{network}/knockouts/parts/categories/{name}.parquet" for name in names]

    def feature_tables(self, network: str) -> list[str]:
        """Features of each layer of a network."""
        layers = self.parts("features", network)
        return [f"results/{network}/features/{layer}.parquet" for layer in layers]

    @staticmethod
    def filter_table(network: str) -> str:
        """The table of a network's first filters."""
        return f"results/{network}/features/filters.parquet"

    def occlusion_tables(self, network: str) -> list[str]:
        """The table of a network's occlusion maps, if they are made."""
        return self._of_network("occlusion", network, "activations/occlusion.parquet")

    def intervention_tables(self, network: str) -> list[str]:
        """The table of a network's detectors by intervention, if parts are covered."""
        return self._of_network("manipulation", network, "activations/interventions.csv")

    def manipulation_tables(self) -> list[str]:
        """What covering parts does to the units of each network that is shown them."""
        networks = self.parts("figures", "interventions")
        return [f"results/{network}/activations/manipulation.parquet" for network in networks]

    def _of_network(self, step: str, network: str, file: str) -> list[str]:
        return [f"results/{network}/{file}"] if f"{step}/{network}" in self.specs else []

    def localizer(self) -> list[str]:
        """The manifest of the localizer's images, if units are chosen by these."""
        return ["results/localizer/images.json"] if "localizer" in self.specs else []

    def rotation_tables(self) -> list[str]:
        """Tables of other bases, of each network that has one."""
        networks = self.parts("figures", "rotations")
        return [f"results/{network}/dissection/rotations.csv" for network in networks]

    def broden_manifest(self) -> list[str]:
        """What says where the labelled images lie that the workflow draws or unpacks."""
        made = {
            "toybox_broden": "results/toybox_broden.json",
            "unpack_broden": "results/broden.json",
        }
        return [manifest for job, manifest in made.items() if job in self.specs]

    def broden_archive(self) -> list[str]:
        """The archive to be unpacked, if there is one."""
        broden = self.configuration.broden
        return [broden.archive] if isinstance(broden, BrodenArchive) else []

    def hurt_images(self, network: str) -> list[str]:
        """The tables of the images that suffer most from a network's lesions, one for each method of clustering."""
        return self.table_parts(network, "clusters", HURT_IMAGES)

    def joined_tables(self, network: str) -> list[str]:
        """The tables of circuits of one network that are joined from parts."""
        tables = self.parts("join_tables", f"{network}/circuits")
        return [f"results/{network}/circuits/{table}.csv" for table in tables]

    def picture_tables(self, network: str, ending: str) -> list[str]:
        """The tables that a network's pictures of circuits are drawn from."""
        names = self.parts("circuit_pictures", network)
        return [f"results/{network}/circuits/pictures/{name}_{ending}.parquet" for name in names]

    def atlases(self) -> list[str]:
        """The folders of all atlases."""
        return [
            f"results/{job.removeprefix('atlas/')}/atlas"
            for job in self.specs
            if job.startswith("atlas/")
        ]

    def of_atlas(self, network: str, name: str) -> list[str]:
        """The files of one input of a network's atlas."""
        return atlas_inputs(self.configuration, self.specs, network)[name]

    def joined_results(self, *tables: str) -> list[str]:
        """Tables that join methods, of each network that has them: these, or all for people."""
        found = []
        for network in self.specs["summary"]["joined"]:
            of_parts = self.parts("join_tables", f"{network}/joined")
            whole = [
                step
                for step in ("enrichment", "concept_vectors")
                if f"{step}/{network}" in self.specs
            ]
            found += [
                f"results/{network}/joined/{table}.csv"
                for table in (*of_parts, *whole)
                if not tables or table in tables
            ]
        return found

    def unit_responses(self, network: str) -> list[str]:
        """Mean responses of the units of each layer in which units are silenced."""
        layers = self.parts("concept_lesions", network)
        return [
            f"results/{network}/joined/parts/unit_responses/{layer}.parquet" for layer in layers
        ]

    def circuit_units(self, network: str) -> list[str]:
        """How much of each unit the circuits of each shard use."""
        names = self.parts("circuit_units", network)
        return [f"results/{network}/circuits/parts/units/{name}.parquet" for name in names]

    def downloads(self, stimuli: str) -> list[str]:
        """What must be downloaded before a stimulus set can be made."""
        section = self.configuration.stimuli[stimuli]
        if isinstance(section, ImagenetteStimuli):
            return [f"results/downloads/imagenette_{section.version}.json"]
        return []

    def training_stimuli(self, network: str) -> list[str]:
        """The stimulus set that a network is trained with, if it is trained."""
        training = self.configuration.networks[network].training
        return [] if training is None else [_stimuli(training.stimuli)]

    def training_threads(self, network: str) -> int:
        """Threads that the making of a network takes."""
        training = self.configuration.networks[network].training
        return 1 if training is None else training.threads

    def training_gpus(self, network: str) -> int:
        """GPUs that profit the making of a network: one to train, none to convert."""
        return len(self.training_stimuli(network))

    def downloaded_weights(self, network: str) -> list[str]:
        """The file that a network's weights are downloaded to, if they come from torchvision."""
        section = self.configuration.networks[network]
        torchvision = section.weights == "torchvision"
        return [f"results/downloads/{section.architecture}.pth"] if torchvision else []

    def given_weights(self, network: str) -> list[str]:
        """The user's file that a network's weights come from, if there is one."""
        given = self.configuration.networks[network].weights_file
        return [] if given is None else [given]

    def _stimuli_targets(self) -> list[str]:
        targets = [_stimuli(name) for name in self.configuration.stimuli]
        if "identities" in self.specs:
            targets.append("results/identities/images.json")
        return targets + self.broden_manifest() + self.localizer()

    def _activation_targets(self) -> list[str]:
        targets = self.tables("activations", "channels")
        for network in self.specs["summary"]["activations"]:
            targets += [f"results/{network}/activations/top_images.parquet"]
            targets += self.occlusion_tables(network) + self.intervention_tables(network)
        return targets

    def _dissection_targets(self) -> list[str]:
        targets = self.tables("dissection", "detectors")
        for network in self.specs["summary"]["dissection"]:
            targets += self.dissected(network, "units.csv")
            targets += self.dissected(network, "gallery.html")
        return targets + self.rotation_tables()

    def _figure_targets(self) -> list[str]:
        figures = ["results/figures/headlines.png"]
        if "figures/toybox" in self.specs:
            figures += [
                f"results/figures/toybox_{name}.png" for name in ("contact_sheet", "labels")
            ]
        if "figures/dissected_networks" in self.specs:
            figures.append("results/figures/dissection.png")
        for kind, (method, names) in FIGURES.items():
            for network in self.parts("figures", kind):
                figures += [f"results/{network}/{method}/figures/{name}.png" for name in names]
        for kind, (method, folder) in FIGURE_FOLDERS.items():
            drawn = self.parts("figures", kind)
            figures += [f"results/{network}/{method}/figures/{folder}" for network in drawn]
        return figures


def step_module(job: str) -> str:
    """The module that does a job: the one of its step, or of its kind of figures."""
    step, *names = job.split("/")
    return f"anatomy.steps.{FIGURE_STEPS[names[0]] if step == 'figures' else step}"


def make_plan(configuration: Configuration, plans_anew: bool = True) -> Plan:
    """All jobs of a checked configuration.

    With `plans_anew` off, for processes that write no specs because they do a job that is planned already, shards are
    those of the latest plan, and nothing is said of the content of the user's files, because reading it takes a while.
    """
    specs: dict[str, Spec] = {}
    for name, stimuli in configuration.stimuli.items():
        specs[f"stimuli/{name}"] = stimuli_spec(configuration, name, plans_anew)
        if isinstance(stimuli, ImagenetteStimuli):
            specs[f"imagenette/{stimuli.version}"] = {"version": stimuli.version}
    specs |= broden_specs(configuration, plans_anew)
    specs |= picture_specs(configuration, plans_anew)
    for name, network in configuration.networks.items():
        if network.weights == "torchvision":
            specs[f"weights/{network.architecture}"] = {"architecture": network.architecture}
        specs[f"network/{name}"] = network_spec(configuration, name, plans_anew)
        for stimuli in resolution.stimuli_shown(configuration, name, RECORDED):
            specs[f"record/{name}/{stimuli}"] = record_spec(configuration, name, stimuli)
    for name in resolution.networks_of(configuration, configuration.circuits):
        specs |= circuit_specs(configuration, name, configuration.circuits, plans_anew)
    for method, specs_of in SPECS_OF.items():
        section = getattr(configuration, method)
        for name in resolution.networks_of(configuration, section):
            specs |= specs_of(configuration, name, section)
    specs |= joined_specs(configuration, specs)
    specs["summary"] = summary_spec(configuration)
    specs |= atlas_specs(configuration)
    return Plan(configuration, specs | figure_specs(configuration))


def stimuli_spec(configuration: Configuration, name: str, plans_anew: bool = True) -> Spec:
    """Settings of a stimulus set."""
    stimuli = configuration.stimuli[name]
    rows = resolution.stimulus_categories(f"stimuli.{name}", stimuli)
    spec = stimuli.model_dump(mode="json", exclude={"categories", "category_table"})
    spec["categories"] = [
        {"category": r.category, "name": r.name, "super_category": r.super_category} for r in rows
    ]
    return spec | (stimuli.beyond_keys([row.category for row in rows]) if plans_anew else {})


def network_spec(configuration: Configuration, name: str, plans_anew: bool) -> Spec:
    """Settings that make a network: where its weights come from and what it is."""
    network = configuration.networks[name]
    spec = resolution.architecture(configuration, name) | {
        "categories": resolution.output_categories(configuration, name),
        "preprocessing": resolution.preprocessing(configuration, name),
    }
    if network.untrained_twin_of is not None:
        return spec | {"weights": "untrained", "seed": network.seed}
    if network.training is not None:
        training = network.training.model_dump(mode="json", exclude={"threads"})
        threads = network.training.threads
        return spec | {"weights": "trained", "training": training, "threads": threads}
    if network.weights_file is not None and plans_anew:
        spec["weights_digest"] = known_digest(Path(network.weights_file))
    return spec | {"weights": network.weights}


def record_spec(configuration: Configuration, name: str, stimuli: str) -> Spec:
    """What is recorded: logits of all images, chosen responses, and what suffixes read (per split)."""
    splits: dict[str, Spec] = {
        split: {"suffixes": []}
        for split in MEASURED_SPLITS
        if getattr(configuration.stimuli[stimuli].images, split)
    }
    circuits, knockouts = configuration.circuits, configuration.knockouts
    if circuits is not None and circuits.stimuli == stimuli and resolution.applies(circuits, name):
        for split in ("extraction", "evaluation"):
            splits[split]["suffixes"].append(fully_connected_stage(configuration, name))
    if (
        knockouts is not None
        and knockouts.stimuli == stimuli
        and resolution.applies(knockouts, name)
    ):
        layers = resolution.chosen_layers("knockouts.layers", configuration, name, knockouts.layers)
        splits["evaluation"]["suffixes"] += [[layer] for layer in layers]
    recordings = configuration.recordings
    return {
        "network": name,
        "stimuli": stimuli,
        "splits": splits,
        "responses": resolution.recorded_layers(configuration, name),
        "dtype": recordings.dtype,
        "batch_size": configuration.compute.batch_size,
        "threads": configuration.compute.threads,
    }


# method -> all jobs of one network, of methods whose jobs are divided by the configuration alone
SPECS_OF: dict[str, Callable[[Configuration, str, Any], dict[str, Spec]]] = {
    "knockouts": knockout_specs,
    "clusters": cluster_specs,
    "dissection": dissection_specs,
    "features": feature_specs,
    "activations": activation_specs,
    "identity": identity_specs,
}


def summary_spec(configuration: Configuration) -> Spec:
    """Which networks and methods the summary covers."""
    covered = {
        method: resolution.networks_of(configuration, getattr(configuration, method))
        for method in METHODS
    }
    shown = {name for names in covered.values() for name in names}
    spec = {"networks": [n for n in configuration.networks if n in shown]} | covered
    if configuration.clusters is not None:
        spec["recognised_as"] = configuration.clusters.recognised_as
    return spec


def _description(network: str) -> str:
    return f"results/{network}/network/network.json"


def _stimuli(name: str) -> str:
    return f"results/stimuli/{name}.json"


def _recording(network: str, stimuli: str) -> str:
    return f"results/{network}/recordings/{stimuli}.json"
