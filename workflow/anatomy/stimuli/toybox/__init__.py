"""A renderer of small scenes: toys of twelve categories with exact labels, faces and houses.

`render_object` and `render_labelled` draw toys in scenes, `render_identity` draws faces and houses
in many views, and `write_broden` writes a labelled data set. Names and label numbers are in
`anatomy.stimuli.toybox.vocabulary`. Pictures depend on their arguments alone.
"""

from anatomy.stimuli.toybox.broden import write_broden
from anatomy.stimuli.toybox.labels import Scene
from anatomy.stimuli.toybox.render import render_identity, render_labelled, render_object
from anatomy.stimuli.toybox.vocabulary import CATEGORIES, Category

__all__ = [
    "CATEGORIES",
    "Category",
    "Scene",
    "render_identity",
    "render_labelled",
    "render_object",
    "write_broden",
]
