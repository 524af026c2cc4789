"""Short invented English words, spelled so that eSpeak NG pronounces the intended sounds.

The rules were checked with espeak_TextToPhonemes of eSpeak NG 1.52: at most one word in thirty
has another vowel.
"""

from __future__ import annotations

import numpy as np

# fmt: off
FIRST_SOUNDS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "sh", "t", "y", "st", "")
LAST_SOUNDS = {"f": "ff", "k": "ck", "l": "ll", "m": "m", "n": "n", "p": "p", "s": "ss", "t": "t"}
VOWELS = ("a", "e", "i", "o", "u", "ai", "oa", "ou", "ee", "oo")  # bat bet bit pot but bite boat...
OPEN_VOWELS = {"ai": "y", "oa": "oh", "ou": "au", "ee": "ee", "oo": "oo"}  # can end a word
COMMANDS = {  # the sounds of the words of `speech_commands`; "left" cannot occur
    ("d", "ou", "n"), ("g", "oa", ""), ("n", "oa", ""), ("", "o", "f"), ("", "o", "n"),
    ("r", "ai", "t"), ("st", "o", "p"), ("", "u", "p"), ("y", "e", "s"),
}
UNSPELLABLE = {("n", "ai", ""), ("s", "ai", ""), ("", "ai", ""), ("", "ou", "")}
# fmt: on


def invent_word(rng: np.random.Generator) -> tuple[str, str, str]:
    """Sounds of a monosyllabic word that is not a command: first, vowel, last ("" if none)."""
    while True:
        first, last = (str(rng.choice(sounds)) for sounds in (FIRST_SOUNDS, ["", *LAST_SOUNDS]))
        vowel = str(rng.choice(VOWELS if last else list(OPEN_VOWELS)))
        unspellable = (first, vowel, last) in UNSPELLABLE or (
            vowel == "ou" and (last in ("f", "m", "p") or first in ("k", "") and last != "t")
        )
        if not unspellable and (first, vowel, last) not in COMMANDS:
            return first, vowel, last


def spell(first: str, vowel: str, last: str) -> str:
    """English spelling of a word of one syllable, from its sounds."""
    start = "gh" if first == "g" and vowel in ("e", "i", "ai", "ee") else first
    if not last:
        return start + OPEN_VOWELS[vowel]
    if vowel == "ai":  # a silent e makes the i long
        return f"{start}i{'ce' if last == 's' else last + 'e'}"
    if vowel == "ou" and last == "s":
        return f"{start}ouse"
    if vowel in ("oa", "ou", "ee", "oo"):
        return start + vowel + (LAST_SOUNDS[last] if last in ("s", "k") else last)
    return start + vowel + (last if (vowel, last) == ("a", "l") else LAST_SOUNDS[last])


def word_tags(first: str, vowel: str, last: str) -> tuple[str, str, str]:
    """Tags of a word's sounds."""
    return f"starts_{first or 'vowel'}", f"vowel_{vowel}", f"ends_{last or 'vowel'}"
