"""Environmental sounds by ESC-50 class name, and their recording in a room.

Some of them use General MIDI programs reserved for the tasks (see `mini.allotment`); pretraining
must not call them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mini.draws import Draws
from mini.sounds import animals, bodies, events, machines, weather
from mini.sounds.rooms import Environment, background, reverberate
from mini.sounds.synthesis import Samples, add_at, n_samples, set_level

Source = Callable[[Draws], Samples]

# fmt: off
ENVIRONMENTAL_SOUNDS: dict[str, Source] = {  # Piczak 2015, Table 1: the fifty classes
    # animals
    "dog": animals.dog, "rooster": animals.rooster, "pig": animals.pig, "cow": animals.cow,
    "frog": animals.frog, "cat": animals.cat, "hen": animals.hen, "insects": animals.insects,
    "sheep": animals.sheep, "crow": animals.crow,
    # natural soundscapes and water
    "rain": weather.rain, "sea_waves": weather.sea_waves, "crackling_fire": weather.crackling_fire,
    "crickets": animals.crickets, "chirping_birds": animals.chirping_birds,
    "water_drops": weather.water_drops, "wind": weather.wind,
    "pouring_water": weather.pouring_water, "toilet_flush": weather.toilet_flush,
    "thunderstorm": weather.thunderstorm,
    # human sounds
    "crying_baby": bodies.crying_baby, "sneezing": bodies.sneezing, "clapping": bodies.clapping,
    "breathing": bodies.breathing, "coughing": events.cough, "footsteps": bodies.footsteps,
    "laughing": events.laughter, "brushing_teeth": bodies.brushing_teeth, "snoring": bodies.snoring,
    "drinking_sipping": bodies.drinking,
    # domestic sounds
    "door_wood_knock": events.knock, "mouse_click": machines.mouse_click,
    "keyboard_typing": events.keyboard, "door_wood_creaks": machines.door_creak,
    "can_opening": machines.can_opening, "washing_machine": machines.washing_machine,
    "vacuum_cleaner": machines.vacuum_cleaner, "clock_alarm": machines.clock_alarm,
    "clock_tick": machines.clock_tick, "glass_breaking": machines.glass_breaking,
    # urban noises
    "helicopter": machines.helicopter, "chainsaw": machines.chainsaw, "siren": machines.siren,
    "car_horn": machines.car_horn, "engine": machines.engine, "train": machines.train,
    "church_bells": machines.church_bells, "airplane": machines.airplane,
    "fireworks": machines.fireworks, "hand_saw": machines.hand_saw,
}
# fmt: on


def record(
    draws: Draws, sound: Samples, duration_s: float, noise_db: tuple[float, float]
) -> Samples:
    """Place a sound at a random position in a clip, in a random room with background noise.

    The sound has an active level of 0 dB and is cut to the clip's length; `noise_db` is the range
    of the background's relative level.
    """
    rng = draws.rng
    canvas: Samples = np.zeros(n_samples(duration_s))
    slack = max(0, len(canvas) - len(sound)) / n_samples(1)
    add_at(canvas, sound, rng.uniform(0, slack))
    canvas = reverberate(rng, canvas, draws.uniform(0.1, 0.7), draws.uniform(0.02, 0.4))
    noise = background(rng, Environment(draws.uniform(0.3, 2.2)), duration_s)
    return set_level(canvas, 0.0) + noise * 10 ** (rng.uniform(*noise_db) / 20)
