"""Small generated files of every kind that people hand in, sound and broken, and a way to hand them in."""

from __future__ import annotations

import io
import itertools
import struct
import tarfile
import warnings
import zipfile
import zlib

import numpy as np
from django.utils import timezone
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from studies import intake
from studies.intake import Details, Handed
from studies.models import IncomingFile

_seeds = itertools.count(1)
ROWS, COLUMNS = 48, 64


def values(bits=8, seed=None, shape=(ROWS, COLUMNS)):
    """Smooth grey levels that differ from call to call."""
    generator = np.random.default_rng(next(_seeds) if seed is None else seed)
    rows, columns = shape
    slope = np.add.outer(np.linspace(0, 1, rows), np.linspace(0, 1, columns)) / 2
    noisy = np.clip(slope * 0.8 + generator.random(shape) * 0.2, 0, 1)
    return np.rint(noisy * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(pixels=None, **options):
    return saved(Image.fromarray(values() if pixels is None else pixels), "JPEG", **{"quality": 95} | options)


def png(pixels=None, **options):
    return saved(Image.fromarray(values() if pixels is None else pixels), "PNG", **options)


def picture(kind, bits=8, **options):
    """A grey picture of any kind that Pillow writes."""
    return saved(Image.fromarray(values(bits)), kind, **options)


def zipped(entries, packing=zipfile.ZIP_DEFLATED):
    """A ZIP of names and bytes; a name may come twice, and an entry may be a ``ZipInfo``."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packing) as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def zipped_large(entries):
    """A ZIP whose entries have lengths of 64 bits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    return buffer.getvalue()


class _Pipe(io.RawIOBase):
    """Takes bytes and cannot go back."""

    def __init__(self):
        self.taken = bytearray()

    def writable(self):
        return True

    def write(self, content):
        self.taken += content
        return len(content)


def zipped_stream(entries):
    """A ZIP as a program writes it that knows no length beforehand: it stands behind each entry."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return bytes(pipe.taken)


def overlapping(archive, times):
    """The ZIP of one entry with a table of contents that lists it so many times."""
    directory, end = archive.find(b"PK\1\2"), archive.find(b"PK\5\6")
    listed = archive[directory:end] * times
    record = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, times, times, len(listed), directory, 0)
    return archive[:directory] + listed + record


def inks(pixels):
    """A grey picture in cyan, magenta, yellow and black, of which only the last is used."""
    none = Image.new("L", pixels.shape[::-1], 0)
    return Image.merge("CMYK", [none, none, none, Image.fromarray(255 - pixels)])


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def encrypted(archive):
    """The ZIP with the flag of encryption on each of its entries."""
    changed = bytearray(archive)
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + offset] |= 1
            place = changed.find(mark, place + 4)
    return bytes(changed)


def tarred(entries, mode="w", **options):
    """A TAR of names and bytes, or of ``TarInfo`` that have none."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, **options) as archive:
        for name, content in entries.items():
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if content is not None:
                info.size = len(content)
            archive.addfile(info, None if content is None else io.BytesIO(content))
    return buffer.getvalue()


def film_photo(seed=1, tint=(0.8, 0.95, 1.0), far=0.0):
    """A drawn photograph of a film on a light box, as a JPEG: one dye, a tint, falling light, noise.

    Args:
        seed: of the noise.
        tint: of the lamp as the camera sees it.
        far: share of the picture that is something else, in other colours.
    """
    chance = np.random.default_rng(seed)
    light = np.ones((240, 320))
    light[30:210, 40:280] = 0.06 + 0.8 * values(8, seed, (180, 240)) / 255
    light *= 1 - 0.3 * np.hypot(*np.mgrid[-1:1:240j, -1:1:320j]) ** 2
    colours = 255 * np.clip(light[..., None] * np.array(tint), 0, 1) ** 0.7 + chance.normal(0, 4, (240, 320, 3))
    colours[: int(240 * far)] = (200, 90, 40)
    return jpeg(np.clip(colours, 0, 255).astype(np.uint8), quality=85)


def colour_photo(kind="JPEG"):
    generator = np.random.default_rng(5)
    return saved(Image.fromarray(generator.integers(0, 256, (ROWS, COLUMNS, 3), dtype=np.uint8)), kind)


def png_header(width, height):
    """A PNG that says it is very large and holds next to nothing."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def dataset(pixels=None, *, bits=12, **elements):
    pixels = values(bits) if pixels is None else pixels
    made = Dataset()
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = (generate_uid() for _ in range(3))
    made.Modality, made.SamplesPerPixel, made.PhotometricInterpretation = "CR", 1, "MONOCHROME2"
    made.Rows, made.Columns = pixels.shape[:2]
    made.BitsAllocated, made.BitsStored, made.HighBit = pixels.dtype.itemsize * 8, bits, bits - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.add_new("PixelData", "OW" if made.BitsAllocated > 8 else "OB", pixels.tobytes() + b"\0" * (pixels.nbytes % 2))
    for name, value in elements.items():
        if value is None:
            delattr(made, name)
        else:
            setattr(made, name, value)
    return made


def dicom(made=None, *, syntax=ExplicitVRLittleEndian, **options):
    """A Part 10 file of a data set."""
    made = dataset(**options) if made is None else made
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    implicit = str(syntax) == "1.2.840.10008.1.2"
    little = str(syntax) != "1.2.840.10008.1.2.2"
    if syntax.is_encapsulated or (implicit, little) == (False, True):
        dcmwrite(buffer, made, enforce_file_format=True)
    else:
        dcmwrite(buffer, made, enforce_file_format=True, implicit_vr=implicit, little_endian=little)
    return buffer.getvalue()


def saved_dataset(made):
    buffer = io.BytesIO()
    dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


def encapsulated(content, syntax, pixels, **options):
    """A Part 10 file that holds an encoded frame."""
    made = dataset(pixels, **options)
    made.add_new("PixelData", "OB", encapsulate([content]))
    made["PixelData"].is_undefined_length = True
    return dicom(made, syntax=syntax)


def hand_in(actor, site, *files, details=None, judged=True, **options):
    """Receive named files, or bytes that get a name, and have them judged."""
    handed = [Handed.of_bytes(*(file if isinstance(file, tuple) else ("file", file))) for file in files]
    rows = intake.receive(actor, site=site, files=handed, details=details or Details(), **options)
    if judged:
        for row in rows:
            intake.judge(row.pk)
    return [IncomingFile.objects.select_related("study", "study_image__radiograph").get(pk=row.pk) for row in rows]


def now():
    return timezone.now()
