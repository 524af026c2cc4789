"""Mini VoxLingua107 top 10: words spoken in one of ten languages; voices disjoint between folds.

HEAR uses the ten most frequent languages of VoxLingua107's development part (hear-preprocess,
vox_lingua_top10.py), but our sources do not list them. Here, ten languages of VoxLingua107 that
eSpeak NG supports are used, from five families, without English, which pretraining uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mini.sounds.rooms import Environment, background, reverberate, tilt
from mini.sounds.speech import CASTS, PITCH_RANGES, speak, variant_of
from mini.sounds.synthesis import n_samples, set_level
from mini.task import Audio, Clip, MiniTask


@dataclass(frozen=True)
class Phonotactics:
    """Spellings, separated by blanks, of a language's syllable parts; and the rate of codas."""

    onsets: str
    vowels: str
    codas: str
    closed_share: float


LANGUAGES = {  # ISO 639-1; common spellings, chosen from grammars' tables of syllables
    "cs": Phonotactics(
        "b č d h ch k l m n p př r ř s st š t tr v z ž",
        "a á e é i í o u ů y ou",
        "d k l m n s st t",
        0.35,
    ),
    "de": Phonotactics(
        "b br d f g h k kl l m n pf r s sch sp st t w z",
        "a ä e i o ö u ü ei au ie",
        "ch cht l m n ng nd r rt s st t",
        0.6,
    ),
    "el": Phonotactics(
        "β γ δ ζ θ κ λ μ ν π ρ σ στ τ φ χ ψ μπ ντ",
        "α ε η ι ο ου ω αι ει",
        "ν ς",
        0.3,
    ),
    "es": Phonotactics(
        "b br c d f g gr j l ll m n p pr qu r rr s t tr v z",
        "a e i o u ue ie",
        "n s r l d",
        0.35,
    ),
    "fi": Phonotactics(
        "h j k l m n p r s t v",
        "a ä e i o ö u y aa ää ii uu ei uo ie",
        "n s t l k",
        0.3,
    ),
    "fr": Phonotactics(
        "b br ch d f g gr j l m n p pl qu r s t tr v",
        "a é è i o u ou eu an on in oi ai",
        "r l s que ne te",
        0.25,
    ),
    "it": Phonotactics(
        "b c ch d f g gl gn l m n p pr qu r s sc st t tr v z",
        "a e i o u io ia",
        "l n r tt ll ss",
        0.2,
    ),
    "pl": Phonotactics(
        "b c ch cz d dz f g j k ł l m n p prz r rz s st sz ś t w z ż",
        "a ą e ę i o ó u y",
        "k m n ść t w",
        0.35,
    ),
    "ru": Phonotactics(
        "б в г д ж з к л м н п пр р с ст т х ц ч ш щ",
        "а е ё и о у ы ю я",
        "й к л м н т ть",
        0.35,
    ),
    "tr": Phonotactics(
        "b c ç d g h k l m n p r s ş t v y z",
        "a e ı i o ö u ü",
        "k l m n r ş t z",
        0.5,
    ),
}
LABELS = tuple(LANGUAGES)
VOICES = {f"fold{fold:02d}": cast[3:7] for fold, cast in enumerate(CASTS)}  # male voices
N_VOICES = 2  # chosen, of clips at scale 1: with more, speakers differ more than languages
RATES_WPM = (180, 215)  # eSpeak's default is 175
PITCHES = (35, 55)  # eSpeak's scale 0-100, default 50
DURATION_S = 1.6  # chosen; the real clips have up to 18.6 s
CLIPS_PER_FOLD = 24
N_WORDS = 8  # chosen: three seconds and more of speech
LEVEL_DB = (-21.0, -19.0)  # active level, dB full scale
NOISE_DB = (-70.0, -58.0)  # level of the background, dB full scale
REVERBERATION_S, WET = (0.1, 0.4), (0.03, 0.12)  # rooms, chosen
TILT_DB = (-0.5, 0.5)  # per octave: microphones and connections differ


def vox_lingua_top10(rng: np.random.Generator, split: str, index: int) -> Clip:
    """Invented words of a language, recorded somewhere.

    `split` chooses the voices, `index` the language, starting at another one in each fold.
    """
    shift = CLIPS_PER_FOLD * list(VOICES).index(split)
    language = LABELS[(index + shift) % len(LABELS)]
    voice = f"{language}+{rng.choice(voices_of(split, index))}"
    rate, pitch, spread = (int(rng.integers(*r)) for r in (RATES_WPM, PITCHES, PITCH_RANGES))
    spoken = speak(_words(rng, LANGUAGES[language]), voice, rate, pitch, spread)
    return Clip(_recorded(rng, spoken), [language], variant_of(voice))


def voices_of(split: str, index: int) -> tuple[str, ...]:
    """Candidate voices of a clip; they alternate every `CLIPS_PER_FOLD` clips."""
    first = N_VOICES * (index // CLIPS_PER_FOLD) % len(VOICES[split])
    return VOICES[split][first : first + N_VOICES]


def _words(rng: np.random.Generator, sounds: Phonotactics) -> str:
    """Words of one to three syllables."""
    words = []
    for _ in range(N_WORDS):
        word = ""
        for _ in range(rng.integers(1, 4)):
            word += rng.choice(sounds.onsets.split()) + rng.choice(sounds.vowels.split())
            if rng.random() < sounds.closed_share:
                word += rng.choice(sounds.codas.split())
        words.append(word)
    return " ".join(words)


def _recorded(rng: np.random.Generator, spoken: Audio) -> Audio:
    """A random part of the speech in a room, with background noise."""
    length = n_samples(DURATION_S)
    start = rng.integers(max(1, len(spoken) - length))
    part = np.resize(np.roll(spoken, -start), length)
    part = reverberate(rng, part, rng.uniform(*REVERBERATION_S), rng.uniform(*WET))
    part = set_level(tilt(part, rng.uniform(*TILT_DB)), rng.uniform(*LEVEL_DB))
    noise = background(rng, Environment(rng.uniform(0.5, 2.0)), DURATION_S)
    return (part + noise * 10 ** (rng.uniform(*NOISE_DB) / 20)).astype(np.float32)


TASK = MiniTask(
    slug="vox_lingua_top10",
    task_name="vox_lingua_top10",
    mode="full",
    stands_for="Invented words in ten eSpeak NG languages, voices disjoint between folds.",
    recipe=vox_lingua_top10,
    labels=LABELS,
    n_clips=dict.fromkeys(VOICES, CLIPS_PER_FOLD),
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
    sources=voices_of,
)
