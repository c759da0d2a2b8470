"""The output units of a network on the extraction and evaluation images: their tasks, and their logits under masks."""

from collections.abc import Sequence
from typing import Literal

from anatomy.networks.cut import Suffix
from anatomy.networks.network import Network
from anatomy.recording import Batches, Recording
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.substitution_task import Task
from anatomy.target_logit import TargetLogit

Stage = Literal["fully_connected", "convolution"]
FULLY_CONNECTED: Stage = "fully_connected"
CONVOLUTION: Stage = "convolution"

Split = Literal["extraction", "evaluation"]
EXTRACTION: Split = "extraction"
EVALUATION: Split = "evaluation"
SPLITS = (EXTRACTION, EVALUATION)

# What the fully-connected layers read is small, and a matrix product is faster the more images it has.
FULLY_CONNECTED_BATCH = 1024


class OutputUnits:
    """What is shared by all categories whose output units are tested: the network, its recording, the images.

    Parameters
    ----------
    recording : of the stimuli by the network
    fully_connected : layers of the first stage
    batch_size : images that pass through the whole network at once
    """

    def __init__(
        self,
        network: Network,
        stimuli: StimulusSet,
        recording: Recording,
        fully_connected: Sequence[str],
        batch_size: int,
    ) -> None:
        self.network = network
        self.stimuli = stimuli
        self.fully_connected = list(fully_connected)
        # read once: every category's task is made from them
        self._logits = {split: recording.logits(split) for split in SPLITS}
        self._outputs = {
            split: stimuli.outputs(stimuli.rows(split), network.categories) for split in SPLITS
        }
        everything = [layer.name for layer in network.layers]
        self._suffixes: dict[Stage, Suffix] = {
            FULLY_CONNECTED: network.suffix(fully_connected),
            CONVOLUTION: network.suffix(everything),
        }
        sizes = {FULLY_CONNECTED: FULLY_CONNECTED_BATCH, CONVOLUTION: batch_size}
        self._batches: dict[tuple[Stage, Split], Batches] = {
            (stage, split): recording.batches(split, suffix.boundary, sizes[stage])
            for stage, suffix in self._suffixes.items()
            for split in SPLITS
        }

    def task(self, output: int, split: Split) -> Task:
        """What an output unit has to do on the images of a split."""
        return Task.of(self._logits[split], self._outputs[split], output)

    def target_logit(self, output: int, stage: Stage, split: Split) -> TargetLogit:
        """The unit's logit under masks of one stage's layers; of any layers for the convolution stage."""
        return TargetLogit(self.network, output, self._suffixes[stage], self._batches[stage, split])

    def super_category(self, category: str) -> str:
        """The super-category of a category."""
        table = self.stimuli.table
        return table.loc[table["category"] == category, "super_category"].iloc[0]
