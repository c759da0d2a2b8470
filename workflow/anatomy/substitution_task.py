"""What an output unit has to do on a set of images, and how well a circuit does it on new ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anatomy.substitution import (
    Fit,
    area_under_curve,
    best_bias,
    bias_only,
    correlation,
    faithfulness,
    measure,
    rivals,
)


@dataclass(frozen=True)
class Task:
    """What a category's output unit has to do on one set of images.

    Attributes
    ----------
    target : (image,) unpruned logit of the category, float64
    rivals : (image,) largest other unpruned logit
    is_category : (image,) boolean
    """

    target: NDArray[np.float64]
    rivals: NDArray[np.float64]
    is_category: NDArray[np.bool_]

    @classmethod
    def of(cls, logits: NDArray[np.float32], outputs: NDArray[np.int64], output: int) -> "Task":
        """From unpruned logits (image, output) and the right output of each image."""
        return cls(logits[:, output].astype(np.float64), rivals(logits, output), outputs == output)

    def fit(self, target_logits: NDArray[np.float64]) -> Fit:
        """Best bias, CSA, hits and false alarms of a substituted logit (image,)."""
        return best_bias(target_logits, self.rivals, self.is_category)

    def unpruned(self) -> Fit:
        """The unpruned output unit after its own best bias."""
        return self.fit(self.target)

    def bias_only(self) -> Fit:
        """A constant output unit with its best bias: the null of CSA."""
        return bias_only(self.rivals, self.is_category)


@dataclass(frozen=True)
class Evaluation:
    """A circuit on new images, with every bias fitted on the extraction images.

    Attributes
    ----------
    csa_unpruned, csa_bias_only : CSA of the unpruned output unit, and of a constant one
    csa, hits, false_alarms : of the circuit
    faithfulness : (csa - csa_bias_only) / (csa_unpruned - csa_bias_only); NaN where that is not defined
    auc : area under the ROC curve of the circuit's logit
    logit_correlation : Pearson correlation of the circuit's logit with the unpruned one
    """

    csa_unpruned: float
    csa_bias_only: float
    csa: float
    faithfulness: float
    hits: float
    false_alarms: float
    auc: float
    logit_correlation: float


def evaluate(
    target_logits: NDArray[np.float64], bias: float, extraction: Task, evaluation: Task
) -> Evaluation:
    """Measure a circuit's logit (image,) on new images.

    The references, the unpruned output unit and the constant one, get the biases that are best for them on the
    extraction images, as the circuit did: so all three are measured on images that chose nothing.
    """
    new = evaluation
    fitted = extraction.unpruned().bias, extraction.bias_only().bias
    unpruned = measure(new.target, new.rivals, new.is_category, fitted[0])
    constant = measure(np.zeros_like(new.target), new.rivals, new.is_category, fitted[1])
    circuit = measure(target_logits, new.rivals, new.is_category, bias)
    return Evaluation(
        csa_unpruned=unpruned.csa,
        csa_bias_only=constant.csa,
        csa=circuit.csa,
        faithfulness=faithfulness(circuit.csa, unpruned.csa, constant.csa),
        hits=circuit.hits,
        false_alarms=circuit.false_alarms,
        auc=area_under_curve(target_logits, new.is_category),
        logit_correlation=correlation(target_logits, new.target),
    )
