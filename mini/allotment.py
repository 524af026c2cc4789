"""Allotment of the sound sources to the mini tasks or to the pretraining clips.

The mini tasks must test models on sounds that pretraining did not contain. Every source therefore
belongs to one side only, as `tests/mini/test_pretraining.py` asserts:

* eSpeak voice variants: the casts of `mini.sounds.speech` belong to the tasks; pretraining uses
  variants outside all casts, except those that sound nearly like a member of one.
* eSpeak languages: both sides speak English; pretraining's others are none of VoxLingua's ten.
* General MIDI programs and the soundfont's drum kits (bank 128): split in two.
* Parameters of synthesized sounds: each side has slots of its own within every range, see
  `mini.draws`.
* Words: pretraining's words, whose sounds are tags, exclude the commands of `speech_commands`.
"""

from __future__ import annotations

from mini.sounds.speech import CASTS

# fmt: off
PRETRAINING_PROGRAMS = (  # from 0; every family of General MIDI has some on both sides
    8, 9, 10, 13, 15, 23, 28, 31, 36, 38, 44, 45, 54, 55, 59, 63, 65, 68, 72, 74, 78, 83, 84, 86,
    88, 89, 91, 94, 96, 98, 100, 102, 106, 108, 110, 112, 114, 116, 118, 122, 125,
)
TASK_PROGRAMS = tuple(sorted(set(range(128)) - set(PRETRAINING_PROGRAMS)))

PRETRAINING_KITS = (16, 32, 40, 48)  # Power, Jazz, Brush, Orchestra
TASK_KITS = (0, 8, 24, 25)  # Standard, Room, Electronic, TR 808

TASK_VOICES = tuple(voice for cast in CASTS for voice in cast)
PRETRAINING_VOICES = {  # kind of voice -> eSpeak variants; kinds are by ear and measured pitch
    "plain": (
        "Alex", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Michael", "Mike",
        "Mr serious", "RicishayMax", "RicishayMax2", "RicishayMax3", "Tweaky", "adam", "benjamin",
        "ed", "grandpa", "gustave", "ian", "klatt6", "m6", "m8", "marcelo", "max", "michel",
        "miguel", "mike2", "paul", "pedro", "quincy", "rob", "robert", "sandro", "victor",
    ),
    "high": ("Marco", "Nguyen", "robosoft6", "robosoft8", "zac"),
    "rough": ("Demonic", "Storm", "announcer", "croak", "klatt", "klatt2"),
    "robot": ("AnxiousAndy", "UniRobot", "kaukovalta", "robosoft", "robosoft2", "robosoft4",
              "robosoft5", "robosoft7"),
    "whisper": ("caleb", "whisper", "whisperf"),
}
# nearly a member of a cast: mean log spectra in 40 bands differ by less than 0.65 nepers
UNUSED_VOICES = ("anikaRobot", "edward2", "fast", "iven", "iven2", "iven4", "klatt3", "klatt5",
                 "m5", "robosoft3", "steph2", "steph3")

PRETRAINING_LANGUAGES = {  # group -> eSpeak languages that read Latin letters
    "english": ("en", "en-us", "en-gb-scotland", "en-gb-x-rp"),
    "celtic": ("cy", "ga"),
    "romance": ("ro", "ht"),
    "bantu": ("sw", "tn"),
    "malay": ("id", "ms"),
    "vietnamese": ("vi",),
    "basque": ("eu",),
    "icelandic": ("is",),
    "albanian": ("sq",),
}
# fmt: on
