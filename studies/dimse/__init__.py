"""The DICOM network door (DIMSE): devices call, are recognised, and store; what they store goes through the one intake.

``devices`` knows who may call, ``contexts`` what is spoken, ``storing`` turns one C-STORE into a durable file and a
status, ``transport`` bounds connections, ``listener`` runs it all. Nothing is decoded here and nothing is sent out:
no query, no retrieve, no storage commitment.
"""
