"""Where the real test data is, and configurations filled in with it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def configuration(folder: Path, name: str = "alexnet20.yaml") -> str:
    """The text of a configuration for this machine; unpacks the weights into the folder."""
    weights = folder / "weights"
    if not (weights / "alexnet20.pth").exists():
        subprocess.run([sys.executable, DATA / "unpack_weights.py", weights], check=True)
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return text.replace("DATA", str(DATA)).replace("WEIGHTS", str(weights))
