"""The closed lists of the reading form: what a reader may say beside the verdict, in words and in codes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class OtherFinding(models.TextChoices):
    """What is seen beside an acute fracture."""

    DISLOCATION = "dislocation", _("dislocation")
    EFFUSION = "effusion", _("joint effusion")
    FOREIGN_BODY = "foreign_body", _("foreign body")
    LESION = "lesion", _("bone lesion")
    HEALED_FRACTURE = "healed_fracture", _("healed fracture")
    HARDWARE_PROBLEM = "hardware_problem", _("hardware problem")
    NORMAL_VARIANT = "normal_variant", _("normal variant")
    OTHER = "other", _("other")


class Advice(models.TextChoices):
    """What a reader advises to do next."""

    FURTHER_VIEWS = "further_views", _("further views")
    CT = "ct", _("CT")
    MRI = "mri", _("MRI")
    FOLLOW_UP = "follow_up", _("follow-up")


class Bone(models.TextChoices):
    """Bones of a finding, coarse enough to be named by one choice."""

    CLAVICLE = "clavicle", _("clavicle")
    SCAPULA = "scapula", _("scapula")
    HUMERUS = "humerus", _("humerus")
    RADIUS = "radius", _("radius")
    ULNA = "ulna", _("ulna")
    SCAPHOID = "scaphoid", _("scaphoid")
    CARPAL = "carpal", _("other carpal bone")
    METACARPAL = "metacarpal", _("metacarpal")
    HAND_PHALANX = "hand_phalanx", _("phalanx of the hand")
    PELVIS = "pelvis", _("pelvis, acetabulum")
    SACRUM = "sacrum", _("sacrum, coccyx")
    FEMUR = "femur", _("femur")
    PATELLA = "patella", _("patella")
    TIBIA = "tibia", _("tibia")
    FIBULA = "fibula", _("fibula")
    TALUS = "talus", _("talus")
    CALCANEUS = "calcaneus", _("calcaneus")
    TARSAL = "tarsal", _("other tarsal bone")
    METATARSAL = "metatarsal", _("metatarsal")
    FOOT_PHALANX = "foot_phalanx", _("phalanx of the foot")
    RIB = "rib", _("rib")
    STERNUM = "sternum", _("sternum")
    VERTEBRA = "vertebra", _("vertebra")
    SKULL = "skull", _("skull")
    MANDIBLE = "mandible", _("mandible, face")
    OTHER = "other", _("other")


class FractureType(models.TextChoices):
    """How a bone is broken."""

    TRANSVERSE = "transverse", _("transverse")
    OBLIQUE = "oblique", _("oblique")
    SPIRAL = "spiral", _("spiral")
    COMMINUTED = "comminuted", _("comminuted")
    AVULSION = "avulsion", _("avulsion")
    IMPACTED = "impacted", _("impacted")
    COMPRESSION = "compression", _("compression")
    GREENSTICK = "greenstick", _("greenstick")
    BUCKLE = "buckle", _("buckle (torus)")
    PHYSEAL = "physeal", _("physeal")
    STRESS = "stress", _("stress, hairline")
    PATHOLOGICAL = "pathological", _("pathological")
    INTRA_ARTICULAR = "intra_articular", _("intra-articular")
    FRACTURE_DISLOCATION = "fracture_dislocation", _("fracture-dislocation")
    LONGITUDINAL = "longitudinal", _("longitudinal")
    OTHER = "other", _("other")


class Shape(models.TextChoices):
    """How a finding is drawn."""

    BOX = "box", _("box")
    POINT = "point", _("point")


class Channel(models.TextChoices):
    """How a critical finding was passed on."""

    TELEPHONE = "telephone", _("by telephone")
    IN_PERSON = "in_person", _("in person")
    MESSAGE = "message", _("by message")
    OTHER = "other", _("other")


class DivergenceKind(models.TextChoices):
    """Which two judgements of a study differ."""

    MODEL_AGAINST_FINAL = "model_against_final", _("model against final reading")
    FIRST_AGAINST_SECOND = "first_against_second", _("first against second reading")
    BLIND_AGAINST_ASSISTED = "blind_against_assisted", _("blind against assisted reading")


class DraftPurpose(models.TextChoices):
    """What a draft is going to be."""

    SIGN = "sign", _("reading")
    AMEND = "amend", _("amendment")
    ADJUDICATE = "adjudicate", _("adjudication")
