"""Mini Gunshot Triangulation: shots at four distances; guns disjoint between folds."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from mini.draws import source_generator
from mini.sounds.contours import low_pass
from mini.sounds.rooms import Environment, background, reverberate
from mini.sounds.synthesis import Samples, add_at, decay, n_samples, noise_band, set_level, strike
from mini.task import Clip, MiniTask

DISTANCES_M = {"0": 6.0, "1": 18.0, "2": 54.0, "3": 160.0}  # chosen; label: microphone position
DISTANCE_SPREAD = 0.12  # chosen: standard deviation of the distance's logarithm
CUTOFF_HZ_M = 120_000.0  # chosen: cutoff of the air times distance, 2 kHz at 60 m
DIRECT_M = 60.0  # chosen: distance at which the echoes are as loud as the direct sound
DURATION_S = 1.0  # chosen; the real clips have 1.5 s
SHOT_S = 0.25  # seconds before the shot at most
NOISE_DB = (-52.0, -30.0)  # chosen: level of the background relative to the shot's
LEVEL_DB = -20.0  # active level of every clip, dB full scale: loudness says nothing


@dataclass(frozen=True)
class Gun:
    """Blast (band and duration of its noise), resonances of barrel and action, loud crack."""

    low_hz: float
    high_hz: float
    blast_s: float
    barrel_hz: float
    action: float
    crack: float


CLIPS_PER_FOLD = 12
GUNS = {  # chosen: seven different weapons, one per fold
    "fold00": Gun(60, 4500, 0.030, 180, 0.3, 0.6),
    "fold01": Gun(90, 6000, 0.018, 320, 0.6, 1.0),
    "fold02": Gun(45, 4000, 0.042, 130, 0.2, 0.5),
    "fold03": Gun(110, 7000, 0.014, 440, 0.7, 1.2),
    "fold04": Gun(70, 5000, 0.024, 240, 0.1, 0.8),
    "fold05": Gun(95, 5500, 0.034, 360, 0.4, 0.4),
    "fold06": Gun(55, 6500, 0.018, 150, 0.5, 1.4),
}
LOWEST, HIGHEST = Gun(45, 4000, 0.014, 130, 0.1, 0.4), Gun(110, 7000, 0.042, 440, 0.7, 1.4)


def gunshot_triangulation(rng: np.random.Generator, split: str, index: int) -> Clip:
    """A shot of the split's gun, heard from the microphone position that `index` chooses in turn.

    The direct sound decreases with distance, the echoes do not; air absorbs the treble (Maher 2006,
    "Modeling and Signal Processing of Acoustic Gunshot Recordings", §2).
    """
    label = list(DISTANCES_M)[index % len(DISTANCES_M)]
    distance_m = DISTANCES_M[label] * rng.lognormal(0, DISTANCE_SPREAD)
    canvas = np.zeros(n_samples(DURATION_S))
    ((source, gun),) = guns_of(split, index).items()
    add_at(canvas, _shot(rng, gun), rng.uniform(0.02, SHOT_S))
    heard = low_pass(canvas, min(15_000.0, CUTOFF_HZ_M / distance_m), order=1)
    audio = reverberate(rng, heard, rng.uniform(0.5, 1.2), distance_m / DIRECT_M)
    noise = background(rng, Environment(rng.uniform(0.5, 2.0)), DURATION_S)
    audio = set_level(audio, 0.0) + noise * 10 ** (rng.uniform(*NOISE_DB) / 20)
    return Clip(set_level(audio, LEVEL_DB).astype(np.float32), [label], source)


def guns_of(split: str, index: int) -> dict[str, Gun]:
    """The gun of a clip, by name; it changes every `CLIPS_PER_FOLD` clips."""
    if (block := index // CLIPS_PER_FOLD) == 0:
        return {f"gun of {split}": GUNS[split]}
    rng = source_generator("gun", split, block)
    ends = zip(astuple(LOWEST), astuple(HIGHEST), strict=True)
    return {f"gun {block + 1} of {split}": Gun(*(rng.uniform(*pair) for pair in ends))}


def _shot(rng: np.random.Generator, gun: Gun) -> Samples:
    """Muzzle blast, resonance of the barrel, clicks of the action, crack of the bullet."""
    length_s, vary = 0.5, rng.lognormal(0, 0.15)
    blast = noise_band(rng, length_s, gun.low_hz * vary, gun.high_hz * vary)
    shot = blast * decay(length_s, 0.0005, gun.blast_s * rng.lognormal(0, 0.2)) / blast.std()
    modes_hz = gun.barrel_hz * vary * np.array([1, 2.4, 4.1])
    shot += 0.5 * strike(rng, modes_hz, 3 * gun.blast_s, length_s)
    shot[:64] += 4 * gun.crack * rng.normal(size=64)  # 2 ms: the N wave, shorter than any blast
    for moment_s in rng.uniform(0.03, 0.2, 3):
        click = noise_band(rng, 0.02, 1500, 9000) * decay(0.02, 0.0005, 0.003)
        add_at(shot, gun.action * click, moment_s)
    return shot


TASK = MiniTask(
    slug="gunshot_triangulation",
    task_name="gunshot_triangulation",
    mode="full",
    stands_for="Shots at four distances with air absorption and echoes, every fold another gun.",
    recipe=gunshot_triangulation,
    labels=tuple(DISTANCES_M),
    n_clips=dict.fromkeys(GUNS, CLIPS_PER_FOLD),
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
    sources=guns_of,
)
