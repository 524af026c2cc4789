"""Pretraining clips of four seconds: sources mixed with levels, rooms and backgrounds."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mini.draws import Draws
from mini.pretraining import happenings, music, people, struck, surroundings
from mini.pretraining.building import CLIP_S, render_batch
from mini.pretraining.tags import TAGS, Source
from mini.sounds.contours import low_pass
from mini.sounds.rooms import Environment, background, reverberate
from mini.sounds.synthesis import Samples, n_samples, set_level, times_s
from mini.task import Audio

SPLITS = ("train", "valid")
BLOCK = 50  # clips whose instruments are rendered together; divides a shard
N_SOURCES = {1: 0.3, 2: 0.4, 3: 0.3}  # chosen: share of clips with that many sources
MAKERS: dict[Callable[[Draws], Source], float] = {  # chosen: every tag in about 1.5 % of clips
    music.phrase: 0.2,
    music.strokes: 0.035,
    music.drum_pattern: 0.025,
    music.band: 0.04,
    struck.hand_drum: 0.06,
    struck.gong: 0.032,
    struck.splash: 0.01,
    struck.wood_block: 0.01,
    struck.church_bell: 0.01,
    struck.gun_shot: 0.04,
    people.monologue: 0.11,
    people.word: 0.15,
    people.crowd: 0.05,
    people.singing: 0.025,
    happenings.happening: 0.17,
    happenings.call: 0.055,
    surroundings.insect: 0.04,
    surroundings.lasting: 0.1,
    surroundings.signal: 0.02,
    surroundings.soundfont_effect: 0.017,
    surroundings.contour: 0.055,
}
LEVELS_DB = (-27.0, -18.0)  # active level of each source, dB full scale
QUIETEST_DB = (-70.0, -58.0)  # background of a clip without a tag for it
NOISE_BELOW_DB = (4.0, 18.0)  # a tagged background is this far below the loudest source
NOISES = {"hiss": 0.0, "rumble": 2.0, "hum": 1.0}  # tag -> exponent of the spectrum
P_NOISE, P_MUFFLED, P_PARTIAL = 0.25, 0.06, 0.2  # chosen
PLACES = {"dry": 0.5, "room": 0.3, "hall": 0.2}
ROOMS = {"room": ((0.25, 0.6), (0.2, 0.5)), "hall": ((1.0, 2.2), (0.5, 1.2))}  # s, level


@dataclass(frozen=True)
class Scene:
    """One clip: float32 (n_samples,) and its tags, in the order of `TAGS`."""

    audio: Audio
    tags: tuple[str, ...]


def scene_generator(split: str, index: int, seed: int) -> np.random.Generator:
    """Random generator of one clip, independent of the number of clips."""
    stream = zlib.crc32(b"hear.mini.pretraining")
    return np.random.default_rng([seed, stream, SPLITS.index(split), index])


def make_scenes(split: str, indices: Sequence[int], seed: int) -> Iterator[Scene]:
    """Make the clips of a split in the order of `indices`.

    Speech depends on all previous calls of eSpeak NG in this process. `MissingSourceError` if a
    wheel is not installed.
    """
    for first in range(0, len(indices), BLOCK):
        drawn = []
        for index in indices[first : first + BLOCK]:
            draws = Draws.for_pretraining(scene_generator(split, index, seed))
            drawn.append((draws, draw_sources(draws)))
        played = [source.parts for _, sources in drawn for source in sources if source.parts]
        rendered = iter(render_batch(played))
        for draws, sources in drawn:
            sounds = [next(rendered) if source.parts else source.audio for source in sources]
            yield _mix(draws, sources, [np.asarray(sound, float) for sound in sounds])


def draw_sources(draws: Draws) -> list[Source]:
    """Draw one to three sources; the number of speakers is counted over all sources."""
    count = draws.rng.choice(list(N_SOURCES), p=list(N_SOURCES.values()))
    makers, shares = list(MAKERS), np.array(list(MAKERS.values()))
    chosen = draws.rng.choice(len(makers), count, p=shares / shares.sum())
    return [makers[position](draws) for position in chosen]


def _mix(draws: Draws, sources: list[Source], sounds: list[Samples]) -> Scene:
    rng = draws.rng
    tags = {tag for source in sources for tag in source.tags}
    tags.update(people.voices_tag(sum(source.n_voices for source in sources)))
    canvas: Samples = np.zeros(n_samples(CLIP_S))
    for sound in sounds:
        leveled = set_level(sound, rng.uniform(*LEVELS_DB))
        canvas += leveled * _presence(rng) if len(sounds) > 1 else leveled
    place = str(rng.choice(list(PLACES), p=list(PLACES.values())))
    tags.add(place)
    if place in ROOMS:
        lengths_s, wets = ROOMS[place]
        canvas = reverberate(rng, canvas, draws.uniform(*lengths_s), draws.uniform(*wets))
    if rng.random() < P_MUFFLED:
        tags.add("muffled")
        canvas = low_pass(canvas, draws.uniform(500, 1_800))
    noise_tag = str(rng.choice(list(NOISES))) if rng.random() < P_NOISE else None
    exponent = NOISES[noise_tag] if noise_tag else draws.uniform(0.5, 2)
    hum_hz = draws.uniform(49, 61)
    environment = Environment(exponent, (hum_hz, 2 * hum_hz, 3 * hum_hz), 0.9)
    noise = background(rng, environment if noise_tag == "hum" else Environment(exponent), CLIP_S)
    if noise_tag:
        tags.add(noise_tag)
        level_db = LEVELS_DB[1] - rng.uniform(*NOISE_BELOW_DB)
    else:
        level_db = rng.uniform(*QUIETEST_DB)
    canvas += noise * 10 ** (level_db / 20)
    return Scene(canvas.astype(np.float32), tuple(tag for tag in TAGS if tag in tags))


def _presence(rng: np.random.Generator) -> Samples | float:
    """Gain over time: mostly 1; some sources enter late or leave early, by at most a second."""
    if rng.random() > P_PARTIAL:
        return 1.0
    time_s, edge_s = times_s(CLIP_S), rng.uniform(0.2, 1.0)
    since_s = time_s - edge_s if rng.random() < 0.5 else CLIP_S - edge_s - time_s
    return np.clip(since_s / 0.05, 0, 1)
