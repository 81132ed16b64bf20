"""The closed vocabulary by which descriptions and coded terms are cleaned: a word that is not here is dropped.

Pure. A list of what may stay is safe against every name; a list of names never would be.
"""

from __future__ import annotations

import re
from typing import Final

_ANATOMY: Final = """
abdomen acetabulum ac acj acjoint ankle anklejoint arm axial axilla back body bone bones breast calcaneus carpal carpus
cervical chest clavicle coccyx cranium cspine digit digits distal elbow extremity face facial femoral femur fibula
finger fingers foot forearm foreleg hallux hand hands head heel hip hips humerus index joint joints jaw knee knees leg
legs little long lower lowerleg lspine lumbar lumbosacral mandible maxilla metacarpal metacarpals metatarsal metatarsals
middle midfoot nasal navicular neck nose orbit patella pelvis phalanx phalanges proximal radius radiusulna rib ribs ring
sacrum scaphoid scapula sc scjoint shoulder si sijoint skull spine ssp sspine sternum subtalar talus tarsal thigh
thoracic thorax thumb tibia tibiafibula toe toes tspine ulna upper upperarm wrist wrists zygoma whole spinal skeleton
hindfoot forefoot ankles elbows shoulders feet acromioclavicular sacroiliac sternoclavicular column limb
"""
_PROJECTIONS: Final = """
ap pa lat lateral ll rl lld rld llo rlo obl oblique ax axiolateral tan tangential anterior posterior anteroposterior
posteroanterior frontal dorsal palmar plantar dorsopalmar dorsoplantar dp pd left right l r b u bilateral both unpaired
mortise view views projection projections outlet inlet judet skyline sunrise swimmers odontoid open mouth frogleg frog
horizontal beam cross table crosstable decubitus supine prone erect
upright standing sitting weight bearing weightbearing nonweightbearing flexion extension neutral external internal
rotation stress portable mobile bedside comparison single two three 2v 3v 4v series standard routine medial superior
inferior medio cranio caudo cephalad caudad degree degrees y image images scaphoidview grid nongrid
"""
_TECHNIQUE: Final = """
cr dx rg rf xa ot sc xc px dr mg io xr xray x ray rays radiograph radiography radiographic digital computed direct
original derived primary secondary processed raw for presentation processing yes no none manual automatic auto aec
fixed variable lin log disp linear sigmoid geometry fiducial fixed_grid focused parallel crossed reciprocating none
scintillator photoconductor storage film cesium csi gadox selenium amorphous csi gos silicon phosphor plate rectangular
round octagonal circular hexagonal mm cm kv kvp mas ma ms msec ohmic tungsten molybdenum rhodium aluminum aluminium
copper lead tin wedge strip butterfly flat multiple crosstalk constant exposure tube xraytube control mode radial
free standing table tilting fixed source detector film_plane floor wall bucky stand normal abnormal clinical
landscape portrait skin entrance dose area product iso_10656 iso rotating moving stationary tilted iec wsd di df dv sd
sp syn recumbent acquired patient lossy lossless compression ratio monochrome monochrome1 monochrome2 monochrome
modified unmodified dicom synthetic drawn alternate aligned aligned_rotated bicycle breathing compressed continuous
full half breath inspiration expiration static collimator shutter square
"""
#: Views that bear somebody's name: in a description they are views, in a picture they may be a patient.
_EPONYMS: Final = "merchant rosenberg grashey garth stryker west judet"
_PIXELS: Final = "fore bv kvp wt brg xtable flex ext int rot stand sit ob rad tib fib"
_QUESTIONS: Final = """
fracture fractures trauma post op postop preop follow up followup control check injury pain swelling dislocation cast
plaster splint foreign osteoarthritis arthritis age study exam examination limited complete minimum more min max
procedure one only and or of the with without in to at a an
"""
_MAKERS: Final = """
agfa agfa-gevaert carestream health kodak fuji fujifilm photo film corporation corp co ltd inc gmbh ge medical systems
healthcare general electric philips siemens healthineers canon konica minolta samsung electronics shimadzu toshiba
hologic swissray varex vieworks rayence drtech sedecal imaging ziehm
"""
#: Radiographic words and defined terms, upper case.
VOCABULARY: Final = frozenset(
    " ".join((_ANATOMY, _PROJECTIONS, _EPONYMS, _TECHNIQUE, _QUESTIONS, _MAKERS)).upper().replace("-", " ").split()
)
#: Words that name nobody where they are burnt into a picture.
IN_PIXELS: Final = frozenset(" ".join((_ANATOMY, _PROJECTIONS, _TECHNIQUE, _QUESTIONS, _PIXELS)).upper().split()) - (
    frozenset(_EPONYMS.upper().split())
)
_TOKEN: Final = re.compile(r"[^\W_]+")
_SHORT_NUMBER: Final = re.compile(r"\d{1,2}|[CTLS]\d{1,2}")
_LONGEST: Final = 64


def is_known(word: str) -> bool:
    """Return whether a word is radiographic, or a number of at most two digits, alone or after C, T, L or S."""
    upper = word.upper()
    return upper in VOCABULARY or _SHORT_NUMBER.fullmatch(upper) is not None


def all_known(text: str) -> bool:
    """Return whether a text holds known words only, and at least one."""
    found = _TOKEN.findall(text)
    return bool(found) and all(is_known(word) for word in found)


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text, upper case."""
    return frozenset(word.upper() for word in _TOKEN.findall(text))


def cleaned(text: str, *, without: frozenset[str] = frozenset()) -> str:
    """Return the known words of a text in their order, but for those of people's names; numbers alone are nothing."""
    kept = [word for word in _TOKEN.findall(text) if is_known(word) and word.upper() not in without]
    return " ".join(kept)[:_LONGEST].strip() if any(word.upper() in VOCABULARY for word in kept) else ""
