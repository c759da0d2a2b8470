"""torchvision's pretrained weights, downloaded into a file of this project's own."""

import re
from pathlib import Path
from urllib.error import URLError

import torchvision
from torch.hub import download_url_to_file

from anatomy.archives import staging
from anatomy.errors import InputError


def download_weights(architecture: str, path: Path) -> None:
    """Download the file of torchvision's weights of an architecture; nothing in it is executed.

    torchvision names its files after the beginning of their SHA-256, which is checked.

    Raises InputError, naming the architecture and what to do instead, when they cannot be downloaded; nothing is left
    then.
    """
    url = torchvision.models.get_model_weights(architecture).DEFAULT.url
    digest = re.search(r"-([0-9a-f]{8,})\.pth$", url).group(1)
    with staging(path.with_name(f".{path.name}.partial")) as folder:
        try:
            download_url_to_file(url, str(folder / path.name), digest)
        except (URLError, OSError, RuntimeError) as error:
            raise InputError(
                f"torchvision's weights of {architecture} could not be downloaded ({error}); to go on without a "
                f"network, get {url} elsewhere and give the path of the file as networks.*.weights"
            ) from error
        (folder / path.name).replace(path)
