"""From an uploaded picture or DICOM data set to one radiograph's frame and its display grey levels.

Responsible for decoding with one pinned decoder per encoding, for grey levels as DICOM defines them (PS3.3 C.11),
for the digest that names a picture, and for the encoding in which a frame is kept. Not responsible for people: nothing
but what decides pixels and grey levels is read here. Imports no Django.
"""

from training.frames.dicom import decode_dicom, open_dicom
from training.frames.encoding import encode, reopen
from training.frames.errors import FrameError
from training.frames.frame import Encoded, Frame, known_range
from training.frames.greys import GreyScale, Lut
from training.frames.pictures import decode_jpeg, decode_picture, decode_png
from training.frames.sniffing import kind_of

__all__ = [
    "Encoded",
    "Frame",
    "FrameError",
    "GreyScale",
    "Lut",
    "decode_dicom",
    "decode_jpeg",
    "decode_picture",
    "decode_png",
    "encode",
    "kind_of",
    "known_range",
    "open_dicom",
    "reopen",
]
