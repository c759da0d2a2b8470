"""Names and global label numbers of everything the toybox can draw.

Pure Python, so that a configuration can be validated without loading the renderer. Random streams
depend on a category's position in `CATEGORIES`, and choices on the order of the other tuples: names
are appended, never moved, or every picture changes. Label numbers follow from all tuples together.
"""

from typing import Literal, NamedTuple

SuperCategory = Literal["animate", "inanimate"]


class Category(NamedTuple):
    """One object category of the toybox."""

    name: str
    super_category: SuperCategory


CATEGORIES: tuple[Category, ...] = (
    Category("dog", "animate"),
    Category("cat", "animate"),
    Category("elephant", "animate"),
    Category("bird", "animate"),
    Category("fish", "animate"),
    Category("butterfly", "animate"),
    Category("car", "inanimate"),
    Category("boat", "inanimate"),
    Category("airplane", "inanimate"),
    Category("chair", "inanimate"),
    Category("cup", "inanimate"),
    Category("umbrella", "inanimate"),
)
CATEGORY_NAMES: tuple[str, ...] = tuple(category.name for category in CATEGORIES)

COLORS = (
    "black",
    "blue",
    "brown",
    "green",
    "grey",
    "orange",
    "pink",
    "purple",
    "red",
    "white",
    "yellow",
)
BACKGROUND_OBJECTS = (
    "sky",
    "cloud",
    "sun",
    "moon",
    "star",
    "hill",
    "mountain",
    "tree",
    "flower",
    "grass",
    "sand",
    "water",
    "snow",
    "building",
    "road",
    "sidewalk",
    "wall",
    "floor",
    "painting",
)
PARTS = (
    "head",
    "eye",
    "ear",
    "nose",
    "mouth",
    "beak",
    "trunk",
    "tusk",
    "antenna",
    "torso",
    "leg",
    "tail",
    "wing",
    "fin",
    "wheel",
    "hub",
    "window",
    "door",
    "headlight",
    "body",
    "hull",
    "mast",
    "sail",
    "engine",
    "seat",
    "back",
    "handle",
    "bowl",
    "canopy",
    "shaft",
)
MATERIALS = (
    "wood",
    "metal",
    "fabric",
    "brick",
    "fur",
    "plastic",
    "stone",
    "glass",
    "rubber",
    "foliage",
    "sand",
    "snow",
    "water",
    "sky",
)
SCENES = ("meadow", "beach", "street", "room", "snowfield", "night")
TEXTURES = (
    "blotchy",
    "chequered",
    "dotted",
    "grid",
    "honeycombed",
    "marbled",
    "scaly",
    "striped",
    "woven",
    "zigzagged",
)

# Broden keeps its categories in this order, and marks colors and scenes with a suffix.
CONCEPT_CATEGORIES = ("color", "object", "part", "material", "scene", "texture")
CONCEPTS: dict[str, tuple[str, ...]] = {
    "color": tuple(f"{name}-c" for name in COLORS),
    "object": CATEGORY_NAMES + BACKGROUND_OBJECTS,
    "part": PARTS,
    "material": MATERIALS,
    "scene": tuple(f"{name}-s" for name in SCENES),
    "texture": TEXTURES,
}
# One number per name, whatever its categories: `sand` is an object and a material.
LABELS: tuple[str, ...] = tuple(
    dict.fromkeys(name for group in CONCEPTS.values() for name in group)
)
NUMBERS: dict[str, int] = {name: number for number, name in enumerate(LABELS, start=1)}

IDENTITY_KINDS = ("face", "house")
