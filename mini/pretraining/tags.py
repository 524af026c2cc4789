"""Vocabulary of the pretraining clips: tags for audible properties of a clip.

AudioSet, on which the released PaSST was trained, has 527 tags. These are fewer and simpler, but of
the same kind: the source, the way it is played or spoken, and the surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

from mini.allotment import PRETRAINING_LANGUAGES
from mini.pretraining.words import FIRST_SOUNDS, LAST_SOUNDS, VOWELS
from mini.sounds.midi import PIANO_KEYS, Part
from mini.sounds.synthesis import Samples

PITCH_CLASSES = ("c", "cis", "d", "dis", "e", "f", "fis", "g", "gis", "a", "ais", "b")
OCTAVES = range(1, 8)  # of scientific pitch notation; the keys below and above join them
KEYS_PER_BAND = 4  # chosen: a third of an octave, the classical step of filter banks
N_BANDS = len(PIANO_KEYS) // KEYS_PER_BAND
PULSES_HZ = {"pulse_slow": 2.0, "pulse_medium": 4.0, "pulse_fast": 8.0, "pulse_very_fast": 1e9}
TEMPI_BPM = {"tempo_slow": 85.0, "tempo_medium": 115.0, "tempo_fast": 150.0, "tempo_rapid": 1e9}

# fmt: off
GROUPS: dict[str, tuple[str, ...]] = {
    "kind": ("music", "speech", "percussion", "event", "animal", "machine", "nature"),
    "pitch_class": tuple(f"pitch_{name}" for name in PITCH_CLASSES),
    "octave": tuple(f"octave_{number}" for number in OCTAVES),
    "band": tuple(f"pitch_band_{number:02d}" for number in range(N_BANDS)),
    "instrument": (
        "bells", "mallets", "plucked_strings", "muted_strings", "bass", "accordion",
        "bowed_strings", "brass", "reeds", "flutes", "choir", "synth_lead", "synth_pad",
        "synth_effect", "orchestra_hit",
    ),
    "playing": (
        "one_note", "repeated_note", "melody", "arpeggio", "chord", "stabs", "trill", "staccato",
        "legato", "major_chord", "minor_chord", "seventh_chord", "band",
    ),
    "speed": (*PULSES_HZ, *TEMPI_BPM),
    "drums": ("kick", "snare", "hihat", "tom", "cymbal", "small_percussion",
              "four_on_the_floor", "backbeat", "swing", "half_time", "tresillo"),
    "struck": (
        "drum_open", "drum_ring", "drum_muted", "drum_bass", "drum_thump", "drum_slap",
        "gong_falling", "gong_rising", "gong_steady", "cymbal_splash", "wood_block",
    ),
    "voice": (
        "voice_low", "voice_medium", "voice_high", "voice_rough", "voice_robot", "voice_whisper",
        "singing", "speech_slow", "speech_normal", "speech_fast", "monotone", "lively", "tremor",
        "shouting",
    ),
    "voices": ("voices_1", "voices_2", "voices_3", "voices_4", "voices_5_6", "voices_7_more"),
    "language": tuple(PRETRAINING_LANGUAGES),
    "first_sound": tuple(f"starts_{sound or 'vowel'}" for sound in FIRST_SOUNDS),
    "vowel": tuple(f"vowel_{vowel}" for vowel in VOWELS),
    "last_sound": tuple(f"ends_{sound or 'vowel'}" for sound in (*LAST_SOUNDS, "")),
    "event": (
        "throat", "cough", "slam", "drawer", "typing", "keys", "knock", "laughter", "paper",
        "phone", "footsteps", "clock", "glass", "clapping", "crying", "snoring", "drops",
        "scraping", "metal",
    ),
    "shot": ("shot_near", "shot_middle", "shot_far", "shot_distant"),
    "animal": ("bird", "dog", "cat", "cattle", "frog", "cricket", "insect_low", "insect_middle",
               "insect_high"),
    "machine": ("engine", "helicopter", "drill", "fan", "siren", "alarm", "horn", "church_bell"),
    "nature": ("wind", "rain", "stream", "waves", "fire", "thunder"),
    "contour": ("rising", "falling", "up_and_down", "wobbling", "steady", "pulsing"),
    "place": ("dry", "room", "hall", "muffled", "hiss", "rumble", "hum"),
}
# fmt: on
TAGS: tuple[str, ...] = tuple(tag for group in GROUPS.values() for tag in group)


@dataclass(frozen=True)
class Source:
    """One sound source of a clip: its audio, or the parts of instruments.

    Parts are rendered later, together with those of other clips.
    """

    tags: tuple[str, ...]  # what it is, of `TAGS`
    audio: Samples | None = None  # as long as a clip
    parts: tuple[Part, ...] = ()
    n_voices: int = 0  # people who speak


def pitch_tags(*keys: int) -> tuple[str, ...]:
    """Pitch class, octave and band of prominent pitches, given as MIDI numbers (69 is 440 Hz)."""
    tags = []
    for key in keys:
        octave = min(max(key // 12 - 1, OCTAVES[0]), OCTAVES[-1])
        band = min(max((key - PIANO_KEYS[0]) // KEYS_PER_BAND, 0), N_BANDS - 1)
        tags += [f"pitch_{PITCH_CLASSES[key % 12]}", f"octave_{octave}", f"pitch_band_{band:02d}"]
    return tuple(tags)


def pulse_tag(rate_hz: float) -> str:
    """Tag of a rate of onsets in Hz."""
    return next(tag for tag, limit_hz in PULSES_HZ.items() if rate_hz < limit_hz)


def tempo_tag(tempo_bpm: float) -> str:
    """Tag of a tempo in beats per minute."""
    return next(tag for tag, limit_bpm in TEMPI_BPM.items() if tempo_bpm < limit_bpm)


def frequency_hz(key: float) -> float:
    """Frequency of a MIDI number in Hz (A4 = 69 = 440 Hz)."""
    return 440.0 * 2 ** ((key - 69) / 12)
