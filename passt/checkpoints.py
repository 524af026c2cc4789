"""Checkpoints as data: released weights, weights from a file, and seeded random weights.

The released files are those of the kkoutini/PaSST releases that hear21passt 0.0.26 or PaSST itself
loads (``models/passt.py`` of both, ``default_cfgs`` and ``get_model``). To add a checkpoint, add an
entry to `RELEASED`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from passt.architecture import N_AUDIOSET_TAGS, Architecture
from passt.files import sha256_file
from passt.lengths import SAMPLE_RATE_HZ, longest_samples, samples
from passt.variants import Variant

GITHUB = "https://github.com"
SCENE_HOP_MS = 2_500.0  # wrapper.py: scene_hop
FRONT_END_VERSION = 3  # raise when values of the front end, the windows or the network change


class CheckpointError(ValueError):
    """A checkpoint that is missing, has unexpected contents, or does not fit the network."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights and front end of one network.

    The scene embedding of a clip longer than ``scene_window_ms`` is the mean over windows, one
    every ``scene_hop_ms`` (``wrapper.py``: ``max_model_window``, ``scene_hop``). By default the
    window is the largest whole number of seconds that the time positions allow: 10 s for the
    released networks, 30 s for 300 positions at hop 10 ms. The default hop is 2.5 s, or the window
    if that is shorter. A window or hop below 1 ms, a window longer than the time positions, or a
    hop that leaves gaps raises `CheckpointError`. ``modules`` are the hear21passt modules that run
    this checkpoint: levels, and receptive fields in ms.
    """

    id: str  # in paths
    hop: int  # of the STFT, in samples at 32 kHz
    architecture: Architecture = field(default_factory=Architecture)
    file: str | None = None  # .safetensors or .pt; None for random weights
    sha256: str | None = None  # expected, None if unknown
    seed: int = 0  # of random weights
    url: str | None = None  # where the file is published
    scene_window_ms: float = None  # type: ignore[assignment]  # set by __post_init__
    scene_hop_ms: float = None  # type: ignore[assignment]  # set by __post_init__
    modules: Mapping[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        longest_ms = 1000 * longest_samples(self.hop, self.architecture) // SAMPLE_RATE_HZ
        if self.scene_window_ms is None:
            whole_s = float(longest_ms // 1000 * 1000)
            object.__setattr__(self, "scene_window_ms", whole_s or float(longest_ms))
        self._check_ms("scene_window_ms")
        if self.scene_hop_ms is None:
            object.__setattr__(self, "scene_hop_ms", min(SCENE_HOP_MS, self.scene_window_ms))
        self._check_ms("scene_hop_ms")
        if samples(self.scene_window_ms) > longest_samples(self.hop, self.architecture):
            raise CheckpointError(
                f"scene_window_ms: expected at most {longest_ms} ms, for which the network's "
                f"{self.architecture.n_time_patches} time positions are (n_time_patches), found "
                f"{self.scene_window_ms:g}"
            )
        if self.scene_hop_ms > self.scene_window_ms:
            raise CheckpointError(
                f"scene_hop_ms: expected at most the window of {self.scene_window_ms:g} ms, which "
                f"leaves no gaps, found {self.scene_hop_ms:g}"
            )

    def _check_ms(self, key: str) -> None:
        value = getattr(self, key)
        if type(value) not in (int, float) or not 1 <= value < math.inf:
            raise CheckpointError(f"{key}: expected at least 1 ms, found {value!r}")

    @property
    def is_random(self) -> bool:
        """True if the weights are random and untrained."""
        return self.file is None

    @classmethod
    def from_config(cls, id: str, entry: Mapping[str, Any]) -> Checkpoint:
        """Build a checkpoint from its config entry: keys of this class and of Architecture.

        ``released: passt_hop10`` fills in missing keys from that released checkpoint; an unknown
        name raises `CheckpointError`. Without ``released``, ``hop`` is required, and missing time
        positions are taken from the first released checkpoint of that hop. If the time positions or
        the hop are changed, the scene window is derived from them.
        """
        keys = {key: value for key, value in entry.items() if key not in ("released", "init")}
        if (released := entry.get("released")) is None:
            base = cls(id, keys["hop"], Architecture(n_time_patches=time_positions(keys["hop"])))
        elif released in RELEASED:
            base = RELEASED[released]
        else:
            raise CheckpointError(
                f"checkpoint {id}: released: expected one of {sorted(RELEASED)}, found {released!r}"
            )
        shape = {key: keys.pop(key) for key in entry if key in Architecture.__dataclass_fields__}
        architecture = replace(base.architecture, **shape)
        if {"hop", "n_time_patches", "tstride", "scene_window_ms"} & entry.keys():
            keys = {"scene_window_ms": None, "scene_hop_ms": None} | keys
        return replace(base, **keys, id=id, architecture=architecture, modules={})

    def verify(self) -> None:
        """Raise CheckpointError if the file is missing or does not have the expected hash."""
        if self.file is None:
            return
        if not Path(self.file).is_file():
            source = f"; download it from {self.url}" if self.url else ""
            raise CheckpointError(f"checkpoint {self.id}: no file {self.file}{source}")
        if self.sha256 and (found := sha256_file(Path(self.file))) != self.sha256:
            raise CheckpointError(
                f"checkpoint {self.id}: {self.file} has sha256 {found}, expected {self.sha256}"
            )

    def fingerprint(self) -> str:
        """SHA-256 of weights, shape, hop, scene window and hop, and the front end's version."""
        weights = sha256_file(Path(self.file)) if self.file else f"random-init seed {self.seed}"
        scene = [self.scene_window_ms, self.scene_hop_ms]
        facts = [weights, self.hop, asdict(self.architecture), *map(float, scene)]
        text = json.dumps([*facts, FRONT_END_VERSION], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _released(
    id: str,
    url: str,
    hop: int = 320,
    n_frames: int = 998,
    stride: int = 10,
    depth: int = 12,
    n_classes: int = N_AUDIOSET_TAGS,
    **facts: Any,
) -> Checkpoint:
    """Entry of a released file; ``n_frames`` is the reference's ``input_tdim``."""
    url = f"{GITHUB}/kkoutini/PaSST/releases/download/{url}"
    shape = Architecture(
        depth=depth,
        n_classes=n_classes,
        n_time_patches=n_frames // stride,
        fstride=stride,
        tstride=stride,
    )
    file = f"resources/checkpoints/{url.rsplit('/', 1)[1]}"
    return Checkpoint(id, hop, shape, file=file, url=url, **facts)


# Where no hash is known, the first download's is recorded and must be met ever after. The number
# after ap in a file's name is its mAP on AudioSet, if no other data set is named.
RELEASED = {
    checkpoint.id: checkpoint
    for checkpoint in (
        # The paper's three.
        _released(
            "passt_hop10",
            "v0.0.1-audioset/passt-s-f128-p16-s10-ap.476-swa.pt",
            sha256="302903fa8c4aee817b11dc982da0b29aaf8d11a3e722420476d0a12c9db70c2c",
            modules={
                "base": ("MH", (160,)),
                "base2level": ("MH", (160, 800)),
                "base2levelmel": ("LMH", (160, 640)),
            },
        ),
        _released(
            "passt_hop5",
            "v0.0.3-audioset/passt-s-f128-stfthop160-p16-s10-ap.473-swa.pt",
            hop=160,
            n_frames=2000,
            modules={
                "hop160base": ("MH", (160,)),
                "hop160base2lvl": ("MH", (160, 800)),
                "hop160base2lvlmel": ("LMH", (160, 800)),
            },
        ),
        _released(
            "passt_hop3",
            "v0.0.3-audioset/passt-s-f128-stfthop100-p16-s10-ap.473-swa.pt",
            hop=100,
            n_frames=3200,
            modules={
                "hop100base": ("MH", (160,)),
                "hop100base2lvl": ("MH", (160, 800)),
                "hop100base2lvlmel": ("LMH", (160, 800)),
            },
        ),
        # Trained on 10 s that lie anywhere among time positions for 20 and 30 s; the hops of scenes
        # are those of base20sec.py and base30sec.py.
        _released(
            "passt_20s",
            "v0.0.5/passt-s-f128-20sec-p16-s10-ap.474-swa.pt",
            n_frames=2000,
            scene_hop_ms=5_000.0,
            modules={"base20sec": ("MH", (160,))},
        ),
        _released(
            "passt_30s",
            "v0.0.5/passt-s-f128-30sec-p16-s10-ap.473-swa.pt",
            n_frames=3000,
            scene_hop_ms=10_000.0,
            modules={"base30sec": ("MH", (160,))},
        ),
        # Trained with knowledge distillation; the second is "light", of 7 blocks.
        _released("passt_kd", "v.0.0.9/passt-s-kd-ap.486.pt"),
        _released("passt_kd_light", "v.0.0.10/passt-l-kd-ap.47.pt", depth=7),
        # Another training with weight averaging (SWA), and one without.
        _released("passt_swa2", "v0.0.2-audioset/passt-s-f128-p16-s10-ap.4761-swa.pt"),
        _released("passt_no_swa", "v0.0.2-audioset/passt-s-f128-p16-s10-ap.472.pt"),
        # Less overlap of patches and, at stride 16, none; with SWA and without.
        _released("passt_s12", "v0.0.2-audioset/passt-s-f128-p16-s12-ap.473-swa.pt", stride=12),
        _released("passt_s12_no_swa", "v0.0.2-audioset/passt-s-f128-p16-s12-ap.470.pt", stride=12),
        _released("passt_s14", "v0.0.2-audioset/passt-s-f128-p16-s14-ap.471-swa.pt", stride=14),
        _released("passt_s14_no_swa", "v0.0.2-audioset/passt-s-f128-p16-s14-ap.469.pt", stride=14),
        _released("passt_s16", "v0.0.2-audioset/passt-s-f128-p16-s16-ap.473-swa.pt", stride=16),
        _released("passt_s16_no_swa", "v0.0.2-audioset/passt-s-f128-p16-s16-ap.468.pt", stride=16),
        # Without Patchout, and with unstructured Patchout of 600 patches.
        _released("passt_b_s16", "v.0.0.7-audioset/passt-b-f128-p16-s16-ap.459.pt", stride=16),
        _released("passt_u_s16", "v.0.0.7-audioset/passt-u600-f128-p16-s16-ap.460.pt", stride=16),
        # Fine-tuned on other data sets, with their classes.
        _released(
            "passt_openmic",
            "v0.0.5/openmic-passt-s-f128-10sec-p16-s10-ap.85.pt",
            n_classes=20,
            sha256="dc229428753176e8be0373d25887116fc15b490af86f671cecf9ed76a0f287da",
        ),
        _released("passt_fsd50k", "v0.0.5/fsd50k-passt-s-f128-p16-s10-ap.655.pt", n_classes=200),
        _released(
            "passt_fsd50k_s16",
            "v0.0.5/fsd50k-passt-s-n-f128-p16-s16-ap.642.pt",
            stride=16,
            n_classes=200,
        ),
    )
}


def time_positions(hop: int) -> int:
    """Time positions of the first released checkpoint of a hop; hop 10 ms if there is none."""
    shapes = (c.architecture for c in RELEASED.values() if c.hop == hop)
    return next(shapes, Architecture()).n_time_patches


def released_modules() -> dict[str, Variant]:
    """Modules of hear21passt 0.0.26 by name, as variants of released checkpoints."""
    return {
        name: Variant(id, levels, fields)
        for id, checkpoint in RELEASED.items()
        for name, (levels, fields) in checkpoint.modules.items()
    }
