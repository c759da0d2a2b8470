"""Causal functional anatomy of image-recognition networks."""

__version__ = "0.1.0"
