"""Mini GTZAN Genre and Music/Speech: pieces of ten genres, and music against speech."""

from __future__ import annotations

import numpy as np

from mini.sounds.arranger import arrange
from mini.sounds.midi import Note, Part, render_parts
from mini.sounds.rooms import Environment, background, reverberate, tilt
from mini.sounds.speech import CASTS, monologue, variant_of
from mini.sounds.styles import STYLES
from mini.sounds.synthesis import Samples, add_at, n_samples, set_level, voice
from mini.task import Audio, Clip, MiniTask

FOLDS = tuple(f"fold{fold:02d}" for fold in range(10))
GENRES = tuple(STYLES)
GENRE_S = 2.0  # chosen: a bar or two; the real clips have 30 s
MUSIC, SPEECH = "music", "speech"
MUSIC_SPEECH_S = 2.0  # chosen; the real clips have 30 s
N_WORDS = 8  # about as long as a clip
VOICES = {fold: CASTS[n // 2][n % 2 :: 2] for n, fold in enumerate(FOLDS)}  # disjoint
LEVEL_DB = -20.0  # active level of every clip, dB full scale
REVERBERATION_S, WET = (0.2, 0.8), (0.03, 0.2)  # rooms, chosen
NOISE_DB = (-66.0, -46.0)  # background of a quiet room or of an old record, dB full scale
TILT_DB = (-1.5, 1.5)  # per octave: recordings differ in their balance of bass and treble
VOICE_LIKE = (22, 40, 52, 53, 64, 66, 69, 85)  # harmonica, violin, choirs, reeds, lead "voice"
VOICE_KEYS = (42, 76)  # chosen: MIDI keys that people sing
SINGER_SIZES = (0.95, 1.25)  # formants relative to a man's (women: about 1.17)
SHORTEST_NOTE_S = 0.02  # chosen: what is shorter is a click
UNDER_DB = (-18.0, -4.0)  # faint music below speech, dB relative to it
VOWELS = (  # formants in Hz and their bandwidths (Peterson and Barney 1952, men, rounded)
    ((730, 90), (1090, 110), (2440, 170)),
    ((530, 80), (1840, 120), (2480, 180)),
    ((270, 60), (2290, 140), (3010, 200)),
    ((570, 80), (840, 100), (2410, 170)),
    ((300, 60), (870, 100), (2240, 160)),
)


def gtzan_genre(rng: np.random.Generator, split: str, index: int) -> Clip:
    """A new piece of a genre, which `index` chooses in turn, recorded somewhere."""
    genre = GENRES[index % len(GENRES)]
    piece = render_parts(arrange(rng, STYLES[genre], GENRE_S), GENRE_S)
    return Clip(_recorded(rng, piece, GENRE_S), [genre])


def gtzan_music_speech(rng: np.random.Generator, split: str, index: int) -> Clip:
    """Music or a monologue; a third of each is made to resemble the other.

    `split` chooses the voices, `index` the label, and the hard case for every third clip of it.
    """
    label, is_hard = (MUSIC, SPEECH)[index % 2], index // 2 % 3 == 2
    style = STYLES[GENRES[rng.integers(len(GENRES))]]
    source = ""
    if label == SPEECH:
        sound, speaker = monologue(rng, N_WORDS, VOICES[split], MUSIC_SPEECH_S)
        source = variant_of(speaker)
        if is_hard:
            music = render_parts(arrange(rng, style, MUSIC_SPEECH_S), MUSIC_SPEECH_S)
            sound = set_level(sound, 0.0) + set_level(music, rng.uniform(*UNDER_DB))
    elif is_hard:
        sound = _voice_like_music(rng)
    else:
        sound = render_parts(arrange(rng, style, MUSIC_SPEECH_S), MUSIC_SPEECH_S)
    return Clip(_recorded(rng, sound, MUSIC_SPEECH_S), [label], source)


def _voice_like_music(rng: np.random.Generator) -> Samples:
    """A lone melody in the range of a voice: an instrument's, or sung on vowels."""
    start_s, notes = 0.0, []
    key = int(rng.integers(*VOICE_KEYS))
    while start_s < MUSIC_SPEECH_S:
        end_s = min(start_s + rng.uniform(0.12, 0.5), MUSIC_SPEECH_S)
        notes.append(Note(start_s, end_s, key, int(rng.integers(60, 120))))
        start_s = end_s + rng.choice((0.0, 0.0, 0.1))
        key = int(np.clip(key + rng.choice((-4, -2, -1, 1, 2, 3, 5)), *VOICE_KEYS))
    if rng.random() < 0.5:
        return _sing(rng, notes)
    return render_parts([Part(tuple(notes), int(rng.choice(VOICE_LIKE)))], MUSIC_SPEECH_S)


def _sing(rng: np.random.Generator, notes: list[Note]) -> Samples:
    """A melody on random vowels of one singer."""
    canvas, size = np.zeros(n_samples(MUSIC_SPEECH_S)), rng.uniform(*SINGER_SIZES)
    for note in notes:
        if note.end_s - note.start_s < SHORTEST_NOTE_S:
            continue
        vowel = VOWELS[rng.integers(len(VOWELS))]
        formants = [(size * hz, width_hz) for hz, width_hz in vowel]
        pitch_hz = 440 * 2 ** ((note.key - 69) / 12)  # concert pitch, ISO 16
        sung = voice(rng, note.end_s - note.start_s, pitch_hz, formants, rng.uniform(0.02, 0.2))
        edge = np.minimum(1, 10 * np.linspace(0, 1, len(sung)))
        add_at(canvas, note.velocity * sung * edge * edge[::-1], note.start_s)
    return canvas


def _recorded(rng: np.random.Generator, sound: Samples, duration_s: float) -> Audio:
    """The sound in a room, through a recorder with its own balance and noise."""
    room = reverberate(rng, sound, rng.uniform(*REVERBERATION_S), rng.uniform(*WET))
    noise = background(rng, Environment(rng.uniform(0.5, 2.0)), duration_s)
    audio = set_level(tilt(room, rng.uniform(*TILT_DB)), LEVEL_DB)
    audio += noise * 10 ** (rng.uniform(*NOISE_DB) / 20)
    return audio.astype(np.float32)


TASK_GENRE = MiniTask(
    slug="gtzan_genre",
    task_name="tfds_gtzan",
    mode="full",
    stands_for="Pieces arranged by rules of ten styles and played with General MIDI instruments.",
    recipe=gtzan_genre,
    labels=GENRES,
    n_clips=dict.fromkeys(FOLDS, 10),
    duration_s=GENRE_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
)

TASK_MUSIC_SPEECH = MiniTask(
    slug="gtzan_music_speech",
    task_name="tfds_gtzan_music_speech",
    mode="full",
    stands_for="Generated pieces and eSpeak NG monologues; a third of each resemble the other.",
    recipe=gtzan_music_speech,
    labels=(MUSIC, SPEECH),
    n_clips=dict.fromkeys(FOLDS, 6),
    duration_s=MUSIC_SPEECH_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
    sources=lambda split, index: VOICES[split] if index % 2 else (),  # of music none
)
