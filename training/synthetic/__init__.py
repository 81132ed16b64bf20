"""Drawn radiographs: for the demo, for tests, for documentation and for recipes without data; they show no person.

Responsible for plausible bones with and without a fracture, for ten types of fracture, and for where the fracture is;
not for anatomy. A model's figures on them mean nothing. Bones are tubes whose wall and marrow attenuate: a pixel's grey
follows the length of the ray inside the wall, which gives the bright edges of real shafts. Needs only NumPy and Pillow.
"""

from training.synthetic.drawing import PARTS, VIEWS, Part, SyntheticRadiograph, of_type, radiograph
from training.synthetic.folder import write_folder, write_types
from training.synthetic.types import KINDS

__all__ = [
    "KINDS", "PARTS", "VIEWS", "Part", "SyntheticRadiograph", "of_type", "radiograph", "write_folder", "write_types",
]  # fmt: skip
