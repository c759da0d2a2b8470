"""Shared by all tests."""

import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

# of each process, of which there may be one for each core; most networks are too small for threads, too
torch.set_num_threads(1)
