"""The whole configuration."""

from typing import Self

from pydantic import Field, model_validator

from anatomy.config.activations import Activations
from anatomy.config.base import Name, Section
from anatomy.config.clusters import Clusters
from anatomy.config.dissection import Broden, Dissection
from anatomy.config.features import Features
from anatomy.config.identity import Identities, Identity
from anatomy.config.joined import Joined
from anatomy.config.methods import Circuits, Knockouts, Recordings
from anatomy.config.networks import Network
from anatomy.config.stimuli import Stimuli

# results/NAME/ of a network, and what else lies in results/
OTHER_RESULTS = (
    *("stimuli", "toybox_broden", "broden", "labelled_images", "identities", "localizer"),
    *("downloads", "figures", "specs", "records", "logs", "benchmarks"),
)
# sections whose method is applied to some of the networks
METHODS = (
    *("circuits", "knockouts", "clusters", "dissection"),
    *("features", "activations", "identity", "joined"),
)


class Compute(Section):
    """How steps compute. Threads and batch sizes can change the last digits of results, so they are settings."""

    threads: int = Field(
        1,
        ge=1,
        le=256,
        description="threads of a computing step, whatever --cores says; jobs that run side by side need no more",
    )
    batch_size: int = Field(64, ge=1, description="images that pass through a network at once")


class Configuration(Section):
    """Everything that decides what the workflow computes."""

    stimuli: dict[Name, Stimuli] = Field(min_length=1, description="stimulus sets, by name")
    networks: dict[Name, Network] = Field(min_length=1, description="networks, by name")
    recordings: Recordings = Field(default_factory=Recordings)
    circuits: Circuits | None = Field(None, description="absent: no circuits are computed")
    knockouts: Knockouts | None = Field(None, description="absent: no knock-outs are computed")
    clusters: Clusters | None = Field(None, description="absent: no cluster lesions are computed")
    broden: Broden | None = Field(
        None, description="absent: there are no images with labelled pixels"
    )
    dissection: Dissection | None = Field(None, description="absent: no network is dissected")
    features: Features | None = Field(None, description="absent: no features are visualised")
    activations: Activations | None = Field(None, description="absent: no activations are shown")
    identities: Identities | None = Field(
        None, description="absent: there are no pictures of the same faces and houses"
    )
    identity: Identity | None = Field(None, description="absent: there is no identity task")
    joined: Joined | None = Field(None, description="absent: methods are not joined")
    compute: Compute = Field(default_factory=Compute)

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        for name in self.networks:
            if name.lower() in OTHER_RESULTS:
                raise ValueError(
                    f"networks.{name}: a network cannot have this name, because results/{name} holds other results"
                )
        for key, names in (("networks", self.networks), ("stimuli", self.stimuli)):
            first: dict[str, str] = {}
            for name in names:
                other = first.setdefault(name.lower(), name)
                if other != name:
                    raise ValueError(
                        f"{key}.{name}: differs from {key}.{other} in upper and lower case alone, which not every "
                        "file system tells apart"
                    )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for name, network in self.networks.items():
            twin = network.untrained_twin_of
            if twin is not None:
                self._known(f"networks.{name}.untrained_twin_of", twin, list(self.networks))
                if self.networks[twin].untrained_twin_of is not None:
                    raise ValueError(
                        f"networks.{name}.untrained_twin_of: {twin!r} is itself an untrained twin; name the network "
                        "that it is the twin of"
                    )
            if network.training is not None:
                self._known(
                    f"networks.{name}.training.stimuli",
                    network.training.stimuli,
                    list(self.stimuli),
                )
        for key in METHODS:
            method = getattr(self, key)
            if method is not None:
                if hasattr(method, "stimuli"):
                    self._known(f"{key}.stimuli", method.stimuli, list(self.stimuli))
                for network in method.networks or []:
                    self._known(f"{key}.networks", network, list(self.networks))
        return self

    @model_validator(mode="after")
    def _needed_sections_exist(self) -> Self:
        if self.broden is None:
            if self.dissection is not None:
                raise ValueError(
                    "dissection: there are no labelled images to dissect with; add a section broden"
                )
            if self.activations is not None and self.activations.manipulation is not None:
                raise ValueError(
                    "activations.manipulation: there are no labelled images whose parts could be covered; add a "
                    "section broden"
                )
        if self.identities is None and self.identity is not None:
            raise ValueError(
                "identity: there are no faces and houses to tell apart; add a section identities"
            )
        self._joined_has_methods()
        return self

    def _joined_has_methods(self) -> None:
        if self.joined is None:
            return
        if self.dissection is None and (self.circuits is None or self.clusters is None):
            raise ValueError(
                "joined: there is nothing to join; add a section dissection, or the sections circuits and clusters"
            )
        if self.joined.concept_vectors is not None and self.clusters is None:
            raise ValueError(
                "joined.concept_vectors: they are set beside cluster lesions; add a section clusters"
            )

    @staticmethod
    def _known(key: str, name: str, known: list[str]) -> None:
        if name not in known:
            raise ValueError(f"{key}: {name!r} is not defined; there are {', '.join(known)}")
