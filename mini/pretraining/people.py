"""Pretraining sources: monologues, single words, many voices, sung vowels."""

from __future__ import annotations

import numpy as np
import soxr

from mini.allotment import PRETRAINING_LANGUAGES, PRETRAINING_VOICES
from mini.draws import Draws
from mini.pretraining.building import CLIP_S, tone
from mini.pretraining.tags import Source, frequency_hz, pitch_tags
from mini.pretraining.words import invent_word, spell, word_tags
from mini.sounds.speech import invent_words, speak
from mini.sounds.synthesis import Samples, add_at, n_samples, resonator, set_level, swell
from mini.task import SAMPLE_RATE_HZ

KINDS = {"plain": 0.54, "high": 0.22, "rough": 0.08, "robot": 0.08, "whisper": 0.08}  # chosen
TRACTS = (0.82, 1.28)  # chosen: pitch and formants are scaled by this; above 1 is a smaller person
RATES_WPM = {"speech_slow": (85, 125), "speech_normal": (150, 195), "speech_fast": (225, 320)}
PITCHES = (15, 99)  # eSpeak's scale 0 to 100
PITCH_RANGES = {"monotone": (0, 12), "": (35, 60), "lively": (80, 99)}  # eSpeak's scale 0 to 100
REGISTERS_HZ = {"voice_low": 115.0, "voice_medium": 185.0, "voice_high": 1e9}
COUNTS = {2: "voices_2", 3: "voices_3", 4: "voices_4", 5: "voices_5_6", 6: "voices_5_6"}
CROWDS = {2: 0.14, 3: 0.18, 4: 0.18, 5: 0.1, 6: 0.1, 7: 0.09, 8: 0.07, 9: 0.07, 10: 0.07}  # chosen
FORMANTS_HZ = {  # Peterson & Barney 1952, men
    "a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010), "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}  # fmt: skip


def monologue(draws: Draws) -> Source:
    """One voice says invented words in one language, in one style."""
    rng = draws.rng
    language = str(rng.choice(list(PRETRAINING_LANGUAGES)))
    rate, spread = (str(rng.choice(list(names))) for names in (RATES_WPM, PITCH_RANGES))
    accent = str(rng.choice(PRETRAINING_LANGUAGES[language]))
    text = invent_words(rng, {"speech_slow": 7, "speech_normal": 11, "speech_fast": 16}[rate])
    sound, tags = _person(draws, text, accent, RATES_WPM[rate], PITCH_RANGES[spread])
    tags += ["speech", language, rate, *([spread] if spread else [])]
    sound = np.resize(np.roll(sound, int(rng.integers(len(sound)))), n_samples(CLIP_S))
    style = rng.random()
    if style < 0.15:
        sound = _tremble(draws, sound)
        tags.append("tremor")
    elif style < 0.3 and "voice_whisper" not in tags:
        sound = np.tanh(draws.uniform(3, 8) * np.diff(sound, prepend=0) / np.abs(sound).std() * 2)
        tags.append("shouting")
    return Source(tuple(tags), sound, n_voices=1)


def word(draws: Draws) -> Source:
    """One voice repeats a short word; its sounds are the tags."""
    rng = draws.rng
    sounds = invent_word(rng)
    accent = str(rng.choice(PRETRAINING_LANGUAGES["english"]))
    sound, voice_tags = _person(draws, spell(*sounds), accent, (110, 230), (20, 80))
    period_s = len(sound) / SAMPLE_RATE_HZ + draws.uniform(0.15, 0.8)
    canvas = np.zeros(n_samples(CLIP_S))
    for start_s in np.arange(draws.uniform(0, 0.6), CLIP_S - 0.3, period_s):
        add_at(canvas, sound, float(start_s))
    return Source(("speech", "english", *word_tags(*sounds), *voice_tags), canvas, n_voices=1)


def crowd(draws: Draws) -> Source:
    """Two to ten people speak at once."""
    rng = draws.rng
    count = int(rng.choice(list(CROWDS), p=list(CROWDS.values())))
    languages = list(PRETRAINING_LANGUAGES)
    canvas = np.zeros(n_samples(CLIP_S))
    for _ in range(count):
        accent = str(rng.choice(PRETRAINING_LANGUAGES[str(rng.choice(languages))]))
        sound, _ = _person(draws, invent_words(rng, 8), accent, (120, 220), (30, 75))
        shifted = np.roll(sound, int(rng.integers(len(sound))))
        canvas += set_level(np.resize(shifted, len(canvas)), draws.uniform(-2, 2))
    return Source(("speech",), canvas, n_voices=count)


def singing(draws: Draws) -> Source:
    """A sung vowel: one pitch, or two in turn."""
    rng = draws.rng
    keys = [int(key) for key in rng.integers(43, 77, rng.integers(1, 3))]
    vowel = str(rng.choice(list(FORMANTS_HZ)))
    length = n_samples(CLIP_S)
    times_s = np.arange(length) / SAMPLE_RATE_HZ
    turn = (times_s // draws.uniform(0.5, 1.0)).astype(int) % len(keys)
    vibrato = 1 + draws.uniform(0, 0.015) * np.sin(2 * np.pi * draws.uniform(4.5, 7) * times_s)
    pitch_hz = np.array([frequency_hz(key) for key in keys])[turn] * vibrato
    source = tone(pitch_hz, 1.0, 40) + 0.05 * rng.normal(size=length)
    tract = draws.uniform(0.9, 1.25)
    sound = sum(resonator(source, tract * formant, 110) for formant in FORMANTS_HZ[vowel])
    phrase = 0.15 + swell(n_samples(draws.uniform(0.5, 1.9)), 0.5)
    tags = ("music", "singing", f"vowel_{'oo' if vowel == 'u' else vowel}", *pitch_tags(*keys))
    return Source(tags, sound * np.resize(phrase, length))


def voices_tag(n_voices: int) -> tuple[str, ...]:
    """Tag of the number of people who speak in a clip."""
    if n_voices == 0:
        return ()
    return ("voices_1",) if n_voices == 1 else (COUNTS.get(n_voices, "voices_7_more"),)


def _person(
    draws: Draws, text: str, accent: str, rates: tuple[int, int], spreads: tuple[int, int]
) -> tuple[Samples, list[str]]:
    """One person says a text: the sound, the tags of the voice."""
    rng = draws.rng
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    voice = f"{accent}+{rng.choice(PRETRAINING_VOICES[kind])}"
    rate, pitch, spread = (int(rng.integers(*r)) for r in (rates, PITCHES, spreads))
    sound = speak(text, voice, rate, pitch, spread)
    tract = draws.uniform(*TRACTS)
    sound = soxr.resample(sound, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ / tract).astype(np.float64)
    tags = [] if kind in ("plain", "high") else [f"voice_{kind}"]
    if kind != "whisper":
        pitch_hz = median_pitch_hz(sound)
        tags.append(next(tag for tag, limit_hz in REGISTERS_HZ.items() if pitch_hz < limit_hz))
    return sound, tags


def median_pitch_hz(sound: Samples) -> float:
    """Median fundamental frequency of the louder frames of speech, by autocorrelation, in Hz."""
    frame, hop, lags = 2_048, 1_600, slice(64, 500)  # 64 ms, 50 ms, 64 to 500 Hz at 32 kHz
    padded = np.pad(sound, (0, max(0, frame - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    power = np.square(frames).mean(axis=1)
    spectra = np.fft.rfft(frames[power >= 0.1 * power.max()], 2 * frame)
    correlation = np.fft.irfft(np.abs(spectra) ** 2)[:, lags]
    overlap = frame - np.arange(lags.start, lags.stop)
    return float(SAMPLE_RATE_HZ / np.median(lags.start + (correlation / overlap).argmax(axis=1)))


def _tremble(draws: Draws, sound: Samples) -> Samples:
    times_s = np.arange(len(sound)) / SAMPLE_RATE_HZ
    rate_hz, depth = draws.uniform(5, 10), draws.uniform(0.4, 0.8)
    wobble = np.sin(2 * np.pi * rate_hz * times_s)
    warped = np.arange(len(sound)) + draws.uniform(20, 60) * wobble  # samples: changes the pitch
    return np.interp(warped, np.arange(len(sound)), sound) * (1 + depth * wobble)
