"""Makes layers.json: layers and default preprocessing of every architecture, for use without torch.

The configuration is validated and the jobs are planned without importing torch; what they must know about
architectures stands in that table. Run `python -m anatomy.networks.layer_table` after adding an architecture.
"""

import json
from pathlib import Path
from typing import Any

import torch
import torchvision

from anatomy.networks.architectures import LITERATURE_NAMES, OWN, build, torchvision_names
from anatomy.networks.graph import find_layers, trace

TABLE = Path(__file__).with_name("layers.json")
IMAGENET_OUTPUTS = 1000


def make_table() -> dict[str, Any]:
    """Architecture -> its default preprocessing, whether torchvision has weights for it, and its layers.

    Layers are [name, kind], in network order.
    """
    return {name: _entry(name) for name in [*OWN, *torchvision_names()]}


def _entry(architecture: str) -> dict[str, Any]:
    # RegNet computes its widths from tensors and cannot be built without memory for them
    device = "cpu" if architecture.startswith("regnet") else "meta"
    with torch.device(device):
        model = build(architecture, IMAGENET_OUTPUTS)
    layers = find_layers(trace(model), LITERATURE_NAMES.get(architecture, {}))
    return _preparation(architecture) | {
        "torchvision": architecture not in OWN,
        "layers": [[layer.name, layer.kind] for layer in layers],
    }


def _preparation(architecture: str) -> dict[str, Any]:
    if architecture in OWN:
        own = vars(OWN[architecture])
        return {key: value for key, value in own.items() if key != "build"}
    weights = torchvision.models.get_model_weights(architecture).DEFAULT
    transforms = weights.transforms()
    return {
        "input_size": transforms.crop_size[0],
        "mean": list(transforms.mean),
        "std": list(transforms.std),
        "channel_order": "rgb",
        "scale": 255.0,
    }


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in make_table().items()]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
