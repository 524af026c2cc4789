"""Model card of exported files: origin, inputs and outputs, code that runs them, parity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from passt import __version__
from passt.embedder import Embedder
from passt.export.graphs import OUTPUTS, Part
from passt.files import sha256_file
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS, samples

MADE_WITH = ("torch", "onnx", "onnxscript", "onnxruntime")
CARD = """\
# {name}: PaSST in ONNX

A spectrogram transformer of {n_parameters:.1f} million parameters after Koutini et al., "Efficient
Training of Audio Transformers with Patchout", Interspeech 2022
([arXiv:2110.05069](https://arxiv.org/abs/2110.05069)). It maps audio to `features` of size
{n_features} and to `logits` of {n_classes} tags. The files need ONNX Runtime, not torch.

| origin | |
| --- | --- |
{origin}

| file | MB | input | of length | outputs |
| --- | ---: | --- | --- | --- |
{files}

All are float32, for any number of sounds; the mel front end computes in float64 inside. Inputs of
another length are refused: shorter ones have no patch, for longer ones the network has no time
positions.

## Use
Audio is mono at {rate} Hz in [-1, 1]. `scene` embeds a whole clip, one above {window_s:g} s as the
mean over windows; `timestamps` embeds a window around every {hop_ms:g} ms. They compute what
`passt` does (levels H and M). `1 / (1 + np.exp(-logits))` are the probabilities of the tags, of
which several may apply.
```python
{code}```

## Parity
Largest difference from torch with the same float64 front end, on noise, in units of the output's
largest value or of 1; an export that finds more than {parity:g} fails. The last column is the
larger one from `passt` itself, whose front end rounds to float32.

| samples | logits | features | from float32 |
| ---: | ---: | ---: | ---: |
{differences}

Made by passt {passt} with {versions}.
"""
CODE = '''\
import numpy as np
import onnxruntime

{sessions}


def embed(audio):
    """Map float32 (n_sounds, n_samples) to logits and features, (n_sounds, size) each."""
    n_samples = audio.shape[1]
    if not {shortest} <= n_samples <= {longest}:
        raise ValueError(f"expected {shortest} to {longest} samples, found {{n_samples}}")
{calls}


def windows(clip, size, hop):
    """Cut a clip (n_samples,) into windows centered on every hop-th sample, its ends reflected."""
    if len(clip) <= size // 2:
        raise ValueError(f"expected more than {{size // 2}} samples, found {{len(clip)}}")
    padded = np.pad(clip, size // 2, mode="reflect")
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, size)[::hop])


def scene(clip):
    """Logits and features of a clip (n_samples,), (size,) each."""
    if len(clip) <= {window}:
        return [values[0] for values in embed(clip[None])]
    parts = [embed(part[None]) for part in windows(clip, {window}, {window_hop})]
    return [np.concatenate(values).mean(axis=0) for values in zip(*parts)]


def timestamps(clip, receptive_field_ms=160):
    """Logits and features around 0, {hop_ms:g}, {two_hops_ms:g}, ... ms, (n_timestamps, size)."""
    return embed(windows(clip, {rate} * receptive_field_ms // 1000, {timestamp_hop}))
'''
CALLS = {  # by the number of files
    1: """\
    return session.run(["logits", "features"], {"waveform": audio})""",
    2: """\
    (spectrogram,) = mel.run(["spectrogram"], {"waveform": audio})
    return network.run(["logits", "features"], {"spectrogram": spectrogram})""",
}


def origin(embedder: Embedder) -> dict[str, str]:
    """Origin of the weights and the audio they expect, for the card and the files' metadata."""
    checkpoint = embedder.checkpoint
    facts = {"weights": f"random, seed {checkpoint.seed}"}
    if checkpoint.file is not None:
        path = Path(checkpoint.file)
        facts = {"weights": path.name, "weights_sha256": sha256_file(path)}
    if checkpoint.url is not None:
        facts |= {"checkpoint": checkpoint.id, "published": checkpoint.url}
    return facts | {
        "sample_rate_hz": str(SAMPLE_RATE_HZ),
        "stft_hop_samples": str(checkpoint.hop),
        "scene_window_ms": f"{checkpoint.scene_window_ms:g}",
        "scene_hop_ms": f"{checkpoint.scene_hop_ms:g}",
    }


def card(
    name: str,
    embedder: Embedder,
    files: Mapping[Path, Part],
    differences: Iterable[tuple[int, Mapping[str, float]]],
    parity: float,
) -> str:
    """Text of the model card of exported files; ``differences`` by number of samples."""
    network, checkpoint = embedder.network, embedder.checkpoint
    first = next(iter(files.values()))
    numbers = {
        "shortest": first.shortest,
        "longest": first.longest,
        "window": samples(checkpoint.scene_window_ms),
        "window_hop": samples(checkpoint.scene_hop_ms),
        "rate": SAMPLE_RATE_HZ,
        "hop_ms": TIMESTAMP_HOP_MS,
        "two_hops_ms": 2 * TIMESTAMP_HOP_MS,
        "timestamp_hop": samples(TIMESTAMP_HOP_MS),
    }
    opened = 'onnxruntime.InferenceSession("{}")'.format
    sessions = [f"{part.name} = {opened(path.name)}" for path, part in files.items()]
    return CARD.format(
        name=name,
        n_parameters=sum(parameter.numel() for parameter in network.parameters()) / 1e6,
        n_features=network.architecture.embed_dim,
        n_classes=network.architecture.n_classes,
        origin=_rows(origin(embedder).items()),
        files=_rows(
            (
                path.name,
                f"{path.stat().st_size / 1e6:.1f}",
                f"{part.input} ({', '.join(map(str, part.axes))})",
                f"{part.shortest} to {part.longest}",
                ", ".join(part.outputs),
            )
            for path, part in files.items()
        ),
        window_s=checkpoint.scene_window_ms / 1000,
        code=CODE.format(sessions="\n".join(sessions), calls=CALLS[len(files)], **numbers),
        parity=parity,
        differences=_rows(
            (n_samples, *(f"{found[name]:.1g}" for name in (*OUTPUTS, "float32")))
            for n_samples, found in differences
        ),
        passt=__version__,
        versions=", ".join(f"{package} {version(package)}" for package in MADE_WITH),
        **numbers,
    )


def _rows(cells: Iterable[tuple[object, ...]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in cells)
