"""The renditions of a data set in memory, with the boxes that lie in them.

Responsible for one image or one view of it, with the cells of a map that its boxes cover; not for choosing images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training import augmentation, dataset
from training.augmentation import Augmentation
from training.dataset import Box, Sample
from training.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images as a model reads them.

    Attributes:
        squares: (images, size, size) uint8.
        boxes: of each image, in fractions of the radiograph.
        contents: where each radiograph lies in its square.
    """

    squares: NDArray[np.uint8]
    boxes: tuple[tuple[Box, ...], ...]
    contents: tuple[Box, ...]

    def view(
        self, image: int, varied: Augmentation | None, random: np.random.Generator, map_side: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return an image, or a random view of it, and the share of each cell of the map that boxes cover.

        Returns:
            (size, size) uint8 and (map_side, map_side) float32.
        """
        square = self.squares[image]
        size = square.shape[0]
        covered = np.zeros((size, size), np.uint8)
        if map_side and self.boxes[image]:
            covered = augmentation.coverage(size, self.boxes[image], self.contents[image])
        if varied is not None:
            square, covered = varied.view(square, covered, random)
        if not map_side:
            return square, np.zeros((0, 0), np.float32)
        return square, augmentation.cells(covered, size // map_side)


def read(samples: Sequence[Sample], preprocessing: Preprocessing) -> Pictures:
    """Return the renditions of samples.

    Raises:
        DatasetError: a file is missing or no picture.
    """
    squares = np.empty((len(samples), preprocessing.size, preprocessing.size), np.uint8)
    contents = []
    for number, sample in enumerate(samples):
        grey = dataset.grey_levels(sample.path)
        squares[number] = preprocessing.rendition(grey)
        contents.append(preprocessing.content_box(*grey.shape))
    return Pictures(squares, tuple(sample.boxes for sample in samples), tuple(contents))
