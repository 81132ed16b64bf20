"""DICOMweb (PS3.18) over the platform's own verbs: store, search, retrieve.

The faces parse, ask ``access`` and ``intake``, and render. Identifiers are the platform's: what a client sends in is
judged and de-identified as any other upload, and found again under the pseudonym and the replaced UIDs.
"""
