"""Audio findings: silence, clipping, damage, lengths and bandwidth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from hear.audio.read import ClipError, read_wav_header
from hear.doctor.finding import NOTE, SEVERE, WARNING, Finding, share
from hear.doctor.leaks import Clip
from hear.doctor.listen import Heard
from hear.tasks.audio_checks import LENGTH_TOLERANCE_S, length_margin_s
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import listed

STEPS = 2**15  # of 16 bits per unit of full scale
QUIET_PEAK = 1e-3  # -60 dB: below, 16 bit leave less than 6 bits; a choice, speech peaks far above
CLIPPED = 2e-4  # of a clip's samples in flat tops: 6 of a second at 32 kHz; a choice
LOST_SCALE = "lost_scale"  # the kind of finding for which HEAR's own tasks are refused
MANY = 0.1  # of the clips: then silence is severe, clipping a warning; a choice
MOST = 0.5  # of the clips: then it is the folder's way, not a clip's
FEW = 0.05  # of the clips, and 4 of them, that end at one frequency by more than chance; a choice
N_FEW = 4
ALONE = 0.9  # of a label's clips, while at most 1 - ALONE of the others: the label's own trait


def check_sound(folder: TaskFolder, heard: Mapping[Clip, Heard], rate_hz: int) -> Iterator[Finding]:
    """Yield findings about the samples of a folder's clips at one rate."""
    if heard:
        yield from _level(folder, heard)
        yield from _clipping(heard)
        yield from _lengths(folder, heard, rate_hz)
        yield from _bandwidth(folder, heard, rate_hz)


def _named(clips: list[Clip]) -> tuple[str, ...]:
    return tuple(sorted("/".join(clip) for clip in clips))


def _level(folder: TaskFolder, heard: Mapping[Clip, Heard]) -> Iterator[Finding]:
    quiet = [clip for clip, what in heard.items() if what.reach < QUIET_PEAK]
    n_zero = sum(what.reach == 0 for what in heard.values())
    if len(quiet) - n_zero >= MOST * (len(heard) - n_zero):  # nothing but zeros counts, too
        steps = max(round(heard[clip].reach * STEPS) for clip in quiet)
        found = (
            f"{share(len(quiet), len(heard))} clips peak at {steps} of 32768 steps of 16-bit audio "
            f"or less"
        )
        consequence = (
            "their scale is lost (as in HEAR's archives before 2022), and 16-bit rounding noise is "
            "as loud as the signal: scores are meaningless"
        )
        yield Finding(LOST_SCALE, SEVERE, found, consequence, _named(quiet))
        return
    labeled = [clip for clip in quiet if folder.clips[clip[0]][clip[1]]]  # not: no event
    if labeled:
        n_of = Counter(clip[0] for clip in heard)
        n_silent = Counter(clip[0] for clip in labeled)
        worst = max(n_silent[split] / n_of[split] for split in n_silent)
        found = f"{share(len(labeled), len(heard))} labeled clips are silent"
        consequence = "their labels cannot be heard: in the test each costs every model about a hit"
        yield Finding(
            "silent_clips",
            SEVERE if worst >= MANY else WARNING,
            f"{found} (below -60 dB of full scale): {listed(_named(labeled))}",
            consequence,
            _named(labeled),
        )


def _clipping(heard: Mapping[Clip, Heard]) -> Iterator[Finding]:
    clipped = [
        clip
        for clip, what in heard.items()
        if what.reach >= QUIET_PEAK and what.n_flat > CLIPPED * what.n_samples
    ]
    if clipped:
        found = f"{share(len(clipped), len(heard))} clips are clipped: {listed(_named(clipped))}"
        consequence = "distortion masks the sound; if it correlates with a label, it reveals it"
        level = WARNING if len(clipped) >= MANY * len(heard) else NOTE
        yield Finding("clipping", level, found, consequence, _named(clipped))


def _lengths(folder: TaskFolder, heard: Mapping[Clip, Heard], rate_hz: int) -> Iterator[Finding]:
    wanted_s = folder.sample_duration_s
    if wanted_s is not None:
        odd = _odd(folder, heard, rate_hz, wanted_s)
        if odd:
            shortest, longest = (f"{end(odd.values()):.3f}" for end in (min, max))
            lengths = shortest if shortest == longest else f"{shortest} to {longest}"
            found = (
                f"{share(len(odd), len(heard))} clips last {lengths} s, not {wanted_s} s as the "
                f"metadata say: {listed(_named(list(odd)))}"
            )
            consequence = (
                "models that cut or pad clips to the metadata's length get other audio than models "
                "that do not, so their scores are not comparable"
            )
            yield Finding("odd_lengths", WARNING, found, consequence, _named(list(odd)))
    if folder.embedding_type != "event":
        return
    late = []
    for split, file in heard:
        end_ms = 1000 * (heard[split, file].n_samples / rate_hz + LENGTH_TOLERANCE_S)
        late += [(split, file) for event in folder.clips[split][file] if event["end"] > end_ms][:1]
    if late:
        found = f"{share(len(late), len(heard))} clips have events that end after the clip"
        consequence = (
            "the offsets of these events cannot be detected: metrics with offsets are lower"
        )
        yield Finding(
            "late_events", WARNING, f"{found}: {listed(_named(late))}", consequence, _named(late)
        )


def _odd(
    folder: TaskFolder, heard: Mapping[Clip, Heard], rate_hz: int, wanted_s: float
) -> dict[Clip, float]:
    """Clips whose length differs from the metadata, with their length in seconds."""
    paths = {split: folder.audio(rate_hz, split) for split in folder.splits}
    found = {}
    for (split, file), what in heard.items():
        off_s = abs(what.n_samples / rate_hz - wanted_s)
        if off_s > LENGTH_TOLERANCE_S:  # the least that is allowed; its header says if it is more
            try:
                header = read_wav_header(paths[split][file])
            except ClipError:
                continue  # no WAV file: the check refuses it
            if off_s > length_margin_s(wanted_s, header):
                found[split, file] = what.n_samples / rate_hz
    return found


def _bandwidth(folder: TaskFolder, heard: Mapping[Clip, Heard], rate_hz: int) -> Iterator[Finding]:
    sounding = {clip: what for clip, what in heard.items() if what.reach >= QUIET_PEAK}
    cuts: dict[float, list[Clip]] = defaultdict(list)
    for clip, what in sounding.items():
        if what.cut_hz:
            cuts[what.cut_hz].append(clip)
    least = max(N_FEW, FEW * len(sounding))
    cuts = {hz: clips for hz, clips in cuts.items() if len(clips) >= least}
    cut = {clip for clips in cuts.values() for clip in clips}
    if not cut:
        return
    ends = ", ".join(f"at {hz:g} Hz in {len(cuts[hz])}" for hz in sorted(cuts))
    found = (
        f"the spectrum of {share(len(cut), len(sounding))} clips ends below the {rate_hz / 2:g} Hz "
        f"of their sample rate, as in upsampled or coded audio: {ends}"
    )
    told = _traits(folder, sounding, cut)
    if told:
        consequence = (
            f"bandwidth alone reveals the label {listed(told)}: the score may reflect how clips "
            "were recorded"
        )
    elif len(cut) >= MOST * len(sounding):
        consequence = (
            "no model can benefit from a higher sample rate: scores compare models on the lower "
            "band only"
        )
    else:
        consequence = "a clip's origin is audible: a probe may learn it instead of the label"
    level = WARNING if told or len(cut) < len(sounding) else NOTE
    yield Finding("missing_treble", level, found, consequence, _named(list(cut)))


def _traits(folder: TaskFolder, clips: Iterable[Clip], having: set[Clip]) -> list[str]:
    """Labels with nearly all of their clips in ``having``, while nearly no other clips are."""
    if folder.embedding_type == "event":
        return []
    n_of: Counter[tuple[str, bool]] = Counter()
    n_all: Counter[bool] = Counter()
    for clip in clips:
        n_all[clip in having] += 1
        n_of.update((label, clip in having) for label in set(folder.clips[clip[0]][clip[1]]))
    told = []
    for label in folder.labels:
        n_with, n_without = n_of[label, True], n_of[label, False]
        others, others_with = sum(n_all.values()) - n_with - n_without, n_all[True] - n_with
        if n_with >= ALONE * max(n_with + n_without, 1) and others_with <= (1 - ALONE) * others:
            told += [label] if n_with else []
    return told
