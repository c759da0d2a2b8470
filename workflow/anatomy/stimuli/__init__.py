"""Stimulus sets: what is shown to a network."""
