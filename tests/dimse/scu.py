"""A sender of our own making, for what DCMTK does not send: HTJ2K, wrong requests, broken data sets, silence."""

from __future__ import annotations

import io
import socket
import struct
from contextlib import contextmanager

import pydicom
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE

from tests import factories_intake as files

CR = "1.2.840.10008.5.1.4.1.1.1"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"


def split(content: bytes) -> tuple[str, str, str, bytes]:
    """Return class, instance, transfer syntax and the encoded data set of a Part 10 file."""
    meta = pydicom.dcmread(io.BytesIO(content), specific_tags=[]).file_meta
    start = 132 + 12 + meta.FileMetaInformationGroupLength
    names = (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID)
    return (*map(str, names), content[start:])


@contextmanager
def association(port, *, sop_class=CR, syntax=EXPLICIT, calling="MODALITY1", called="BONEFRAC", **options):
    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 30
    entity.add_requested_context(sop_class, [syntax])
    made = entity.associate("127.0.0.1", port, ae_title=called, **options)
    try:
        yield made
    finally:
        if made.is_established:
            made.release()


def ask(made, content: bytes, *, sop_class=CR, sop_instance="1.2.3"):
    """Send an encoded data set under a request and return the answer's status and comment; (None, "") without one."""
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, sop_instance
    request.DataSet = io.BytesIO(content)
    made._reactor_checkpoint.clear()
    while not made._is_paused:
        pass
    try:
        made.dimse.send_msg(request, made.accepted_contexts[0].context_id)
        answer = made.dimse.get_msg(block=True)[1]
    finally:
        made._reactor_checkpoint.set()
    return (None, "") if answer is None else (answer.Status, str(answer.ErrorComment or ""))


def store(port, content: bytes, **options):
    """Send a Part 10 file as it is, in its own transfer syntax; None where that was not negotiated."""
    sop_class, sop_instance, syntax, encoded = split(content)
    with association(port, sop_class=sop_class, syntax=syntax, **options) as made:
        if not made.is_established or not made.accepted_contexts:
            return None
        return ask(made, encoded, sop_class=sop_class, sop_instance=sop_instance)[0]


def encoded(**elements) -> bytes:
    return split(files.dicom(files.dataset(**elements)))[3]


def request_pdu(calling="MODALITY1", called="BONEFRAC") -> bytes:
    """An A-ASSOCIATE-RQ that proposes CR in Explicit VR Little Endian, byte by byte (PS3.8 9.3.2)."""

    def item(kind, body):
        return struct.pack(">BBH", kind, 0, len(body)) + body

    context = struct.pack(">BBBB", 1, 0, 0, 0) + item(0x30, CR.encode()) + item(0x40, EXPLICIT.encode())
    user = item(0x51, struct.pack(">L", 16384)) + item(0x52, b"1.2.3.4")
    items = item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, context) + item(0x50, user)
    body = struct.pack(">HH16s16s32s", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode(), b"") + items
    return struct.pack(">BBL", 1, 0, len(body)) + body


def store_command(sop_instance="1.2.3") -> bytes:
    """The command set of a C-STORE request, as one P-DATA PDU."""

    def element(number, value):
        return struct.pack("<HHL", 0, number, len(value)) + value

    def uid(text):
        return text.encode() + b"\0" * (len(text) % 2)

    inner = element(2, uid(CR)) + element(0x100, b"\x01\0") + element(0x110, b"\x01\0") + element(0x700, b"\x02\0")
    inner += element(0x800, b"\0\0") + element(0x1000, uid(sop_instance))
    return data_pdu(element(0, struct.pack("<L", len(inner))) + inner, control=3)


def data_pdu(part: bytes, *, control: int) -> bytes:
    value = struct.pack(">LBB", len(part) + 2, 1, control) + part
    return struct.pack(">BBL", 4, 0, len(value)) + value


def connected(port) -> socket.socket:
    """A bare connection whose association was accepted."""
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.sendall(request_pdu())
    head = made.recv(6, socket.MSG_WAITALL)
    kind, _, length = struct.unpack(">BBL", head)
    made.recv(length, socket.MSG_WAITALL)
    assert kind == 2, f"the association was not accepted: PDU {kind}"
    return made
