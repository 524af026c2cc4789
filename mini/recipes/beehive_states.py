"""Mini Beehive: hives with and without a queen, in two folders; hives disjoint between splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mini.draws import Draws, source_generator
from mini.sounds.animals import chirping_birds
from mini.sounds.contours import tone, wobble
from mini.sounds.rooms import Environment, background
from mini.sounds.synthesis import Samples, add_at, decay, n_samples, noise_band, set_level
from mini.task import Clip, MiniTask

LABELS = ("active", "missing queen")
DURATION_S = 1.6  # chosen; the real clips have 600 s
N_BEES = 10  # chosen: wing-beats heard apart; more sound the same
PARTIALS = (1.0, 0.7, 0.4, 0.3, 0.2, 0.12)  # chosen: harmonics of the wing-beat
NOISE_DB = (-22.0, -6.0)  # chosen: level of the wind relative to the hive's
LEVEL_DB = -24.0  # active level of every clip, dB full scale


@dataclass(frozen=True)
class Hive:
    """A hive: its bees' wing-beat with the queen, its body's resonance, loudness of its roar."""

    wing_beat_hz: float
    body_hz: float
    roar: float


CLIPS = {"train": 20, "valid": 8, "test": 20}  # few test clips made the AUCs a lottery
HIVES: dict[str, dict[str, tuple[Hive, ...]]] = {  # chosen: no hive is in two splits
    "beehive_states_fold0": {
        "train": (Hive(226, 420, 0.45), Hive(238, 520, 0.30)),
        "valid": (Hive(231, 350, 0.40),),
        "test": (Hive(234, 470, 0.36),),
    },
    "beehive_states_fold1": {
        "train": (Hive(224, 560, 0.34), Hive(241, 390, 0.42)),
        "valid": (Hive(236, 490, 0.32),),
        "test": (Hive(230, 440, 0.38),),
    },
}
WING_BEAT_HZ, BODY_HZ, ROAR = (224, 241), (350, 560), (0.3, 0.45)  # of further hives: as above


@dataclass(frozen=True)
class Colony:
    """Effect of a state on the sound: shift and spread of the wing-beat, gain of the roar."""

    shift_hz: float
    spread: float
    roar_db: float


COLONIES = {  # chosen: without a queen the hum rises and disperses, the hive roars
    "active": Colony(0.0, 0.020, 0.0),
    "missing queen": Colony(14.0, 0.035, 4.0),
}
DRIFT_HZ = 9.0  # chosen: standard deviation of the wing-beat between clips of one hive
ROAR_DB = 3.0  # chosen: standard deviation of the roar between clips of one hive


def beehive_states(rng: np.random.Generator, split: str, index: int, *, fold: str) -> Clip:
    """Inside a hive: wing-beats and roar, with wind, birds and knocks.

    `fold` (the folder's name) and `split` choose the hives, `index` the state in turn.
    """
    label = LABELS[index % len(LABELS)]
    hives, colony = hives_of(split, index, fold=fold), COLONIES[label]
    source = list(hives)[rng.integers(len(hives))]
    hive = hives[source]
    wing_beat_hz = hive.wing_beat_hz + colony.shift_hz + rng.normal(scale=DRIFT_HZ)
    hum = set_level(_hum(rng, wing_beat_hz, colony.spread), 0.0)
    roar = noise_band(rng, DURATION_S, 0.8 * hive.body_hz, 1.5 * hive.body_hz)
    roar *= wobble(rng, DURATION_S, 3, 0.5, 1)
    gain_db = colony.roar_db + rng.normal(scale=ROAR_DB)
    audio = hum + set_level(roar, 0.0) * hive.roar * 10 ** (gain_db / 20)
    audio = set_level(audio, 0.0) + _outside(rng, Draws(rng, held_out=split == "test"))
    return Clip(set_level(audio, LEVEL_DB).astype(np.float32), [label], source)


def hives_of(split: str, index: int, *, fold: str) -> dict[str, Hive]:
    """Candidate hives of a clip, by name; they change every `CLIPS` clips."""
    hives, block = HIVES[fold][split], index // CLIPS[split]
    if block > 0:
        rng = source_generator(fold, split, block)
        ranges = (WING_BEAT_HZ, BODY_HZ, ROAR)
        hives = tuple(Hive(*(rng.uniform(*ends) for ends in ranges)) for _ in hives)
    return {f"hive of {hive.wing_beat_hz:.10g} Hz": hive for hive in hives}


def _hum(rng: np.random.Generator, wing_beat_hz: float, spread: float) -> Samples:
    """Several bees, each with a drifting frequency."""
    sound = np.zeros(n_samples(DURATION_S))
    for _ in range(N_BEES):
        course = wobble(rng, DURATION_S, 4, 0.985, 1.015) * rng.normal(1, spread)
        loudness = wobble(rng, DURATION_S, 3, 0.2, 1)
        sound += loudness * tone(wing_beat_hz * course, PARTIALS)
    return sound


def _outside(rng: np.random.Generator, draws: Draws) -> Samples:
    """Wind, now and then a bird or knocks on the wood."""
    wind = Environment(rng.uniform(1.2, 2.4), swell_hz=0.4, swell_depth=0.5)
    sound = background(rng, wind, DURATION_S) * 10 ** (rng.uniform(*NOISE_DB) / 20)
    if rng.random() < 0.4:
        bird = set_level(chirping_birds(draws), rng.uniform(-24, -8))
        add_at(sound, bird, rng.uniform(0, DURATION_S - 1))
    for _ in range(rng.integers(3)):
        knock = noise_band(rng, 0.08, 100, 2500) * decay(0.08, 0.001, 0.015)
        add_at(sound, rng.uniform(0.5, 2) * knock, rng.uniform(0, DURATION_S - 0.2))
    return sound


FOLD_0 = MiniTask(
    slug="beehive_states",
    task_name="beehive_states_fold0",
    mode="full",
    stands_for="Drifting wing-beats and roar with and without a queen, test hives unseen.",
    recipe=partial(beehive_states, fold="beehive_states_fold0"),
    labels=LABELS,
    n_clips=CLIPS,
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="trainvaltest",
    evaluation=("aucroc", "mAP", "d_prime", "top1_acc"),
    sources=partial(hives_of, fold="beehive_states_fold0"),
)
FOLD_1 = replace(
    FOLD_0,
    task_name="beehive_states_fold1",
    recipe=partial(beehive_states, fold="beehive_states_fold1"),
    sources=partial(hives_of, fold="beehive_states_fold1"),
)
TASK = replace(FOLD_0, further_parts=(FOLD_1,))
