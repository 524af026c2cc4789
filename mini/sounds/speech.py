"""Speech: eSpeak NG, loaded at run time from the `espeakng-loader` wheel by ctypes.

Voices are eSpeak's voice variants (files in `espeak-ng-data/voices/!v`). The casts below contain 35
audibly different variants; near-duplicates (by mean log spectrum) are omitted or share a cast. In
tasks, casts are disjoint between splits; variants in no cast are available for pretraining.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from typing import Any

import numpy as np
import soxr

from mini.sounds.synthesis import Samples, n_samples
from mini.task import SAMPLE_RATE_HZ, Audio, MiniTaskError, MissingSourceError

CASTS: tuple[tuple[str, ...], ...] = (  # disjoint: three higher and four lower voices in each
    ("f1", "linda", "Andrea", "m1", "Andy", "pablo", "david"),
    ("f2", "steph", "grandma", "m2", "Mario", "Reed", "iven3"),
    ("f3", "Annie", "Alicia", "m4", "antonio", "boris", "klatt4"),
    ("f4", "aunty", "shelby", "m7", "Lee", "norbert", "edward"),
    ("f5", "anika", "belinda", "m3", "john", "travis", "Jacky"),
)
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp")  # English voices of eSpeak NG 1.52
RATES_WPM = (120, 220)  # eSpeak's default is 175
PITCHES = (15, 90)  # eSpeak's scale 0-100, default 50
PITCH_RANGES = (30, 75)  # eSpeak's scale 0-100, default 50

AUDIO_OUTPUT_SYNCHRONOUS = 2  # speak_lib.h, espeak_AUDIO_OUTPUT
INITIALIZE_DONT_EXIT = 0x8000  # speak_lib.h, espeakINITIALIZE_DONT_EXIT
RATE, VOLUME, PITCH, RANGE = 1, 2, 3, 4  # speak_lib.h, espeak_PARAMETER
POS_CHARACTER, CHARS_UTF8 = 1, 1  # speak_lib.h, espeak_POSITION_TYPE and espeakCHARS_UTF8
LIBRARY_SEED = 1  # any constant: without it the library seeds its noise from the clock

CONSONANTS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "sh", "st")
VOWELS = ("a", "e", "i", "o", "u", "ai", "ou", "ee")

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_chunks: list[np.ndarray] = []  # the running call's int16 samples, filled by the callback


@_Callback
def _collect(samples: Any, n_samples: int, _events: int) -> int:
    if samples and n_samples > 0:
        _chunks.append(np.ctypeslib.as_array(samples, (n_samples,)).copy())
    return 0


@lru_cache(maxsize=1)
def load_espeak() -> tuple[ctypes.CDLL, int]:
    """Load and initialize eSpeak NG once per process: (library, its sample rate in Hz)."""
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = os.fsencode(espeakng_loader.get_data_path())
    except (ImportError, OSError, RuntimeError) as error:
        raise MissingSourceError(f"the wheel 'espeakng-loader' does not load: {error}") from error
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    library.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int]
    library.espeak_Synth.argtypes += [ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p]
    library.espeak_Synth.argtypes += [ctypes.c_void_p]
    rate_hz = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data, INITIALIZE_DONT_EXIT)
    if rate_hz <= 0:
        raise MissingSourceError(
            f"eSpeak NG of the wheel 'espeakng-loader' does not start with its data folder {data!r}"
        )
    library.espeak_SetSynthCallback(_collect)
    library.espeak_ng_SetRandSeed(LIBRARY_SEED)
    return library, rate_hz


def speak(text: str, voice: str, rate_wpm: int, pitch: int, pitch_range: int) -> Audio:
    """Speak a text with an eSpeak voice and variant, for example "en-us+f3"; pitches from 0 to 100.

    Returns float32 (n_samples,), which depends on all previous calls in this process.
    `MissingSourceError` if the library cannot be loaded, `MiniTaskError` for an unknown voice or a
    text without sound.
    """
    library, rate_hz = load_espeak()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise MiniTaskError(f"eSpeak NG has no voice {voice!r}")
    for parameter, value in ((RATE, rate_wpm), (VOLUME, 100), (PITCH, pitch), (RANGE, pitch_range)):
        library.espeak_SetParameter(parameter, int(value), 0)
    _chunks.clear()
    encoded = text.encode() + b"\0"
    library.espeak_Synth(encoded, len(encoded), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None)
    if not _chunks:
        raise MiniTaskError(f"eSpeak NG returned no sound for {text!r} with voice {voice!r}")
    samples = np.concatenate(_chunks).astype(np.float32) / 32_768
    return soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ).astype(np.float32)


def draw_voice(rng: np.random.Generator, variants: tuple[str, ...]) -> str:
    """Draw an English accent and one of the voice variants, for example "en-us+f3"."""
    return f"{rng.choice(ACCENTS)}+{rng.choice(variants)}"


def variant_of(voice: str) -> str:
    """Return the variant of a voice: the speaker, regardless of accent or language."""
    return voice.partition("+")[2]


def speak_randomly(rng: np.random.Generator, text: str, voice: str) -> Audio:
    """Speak a text with a voice at a random rate and pitch."""
    rate, pitch, spread = (int(rng.integers(*r)) for r in (RATES_WPM, PITCHES, PITCH_RANGES))
    return speak(text, voice, rate, pitch, spread)


def monologue(
    rng: np.random.Generator, n_words: int, variants: tuple[str, ...], duration_s: float
) -> tuple[Samples, str]:
    """Excerpt of invented words, repeated if they are too short, and the voice that speaks.

    The voice is drawn from ``variants``.
    """
    words, voice = invent_words(rng, n_words), draw_voice(rng, variants)
    spoken = speak_randomly(rng, words, voice)
    start = rng.integers(len(spoken))
    return np.resize(np.roll(spoken, -start), n_samples(duration_s)).astype(np.float64), voice


def invent_words(rng: np.random.Generator, n_words: int) -> str:
    """Invent words of one to three consonant-vowel syllables, separated by blanks."""
    words = []
    for _ in range(n_words):
        syllables = int(rng.integers(1, 4)) * (CONSONANTS, VOWELS)
        words.append("".join(rng.choice(sounds) for sounds in syllables))
    return " ".join(words)
