"""Shared by all tests."""

import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

torch.set_num_threads(2)
