"""Encoders of Hugging Face's transformers with the HEAR API, from a local folder.

The folder is what ``save_pretrained`` of a feature extractor and a network writes (config.json,
preprocessor_config.json, weights). Frames are the hidden states after a block, by default what the
network returns last; a scene is the mean over frames inside the clip. Their distance is that of
the convolutions of Wav2Vec2 and its kin (HuBERT, WavLM, Data2Vec), of the Audio Spectrogram
Transformer's patches, which are averaged over frequency, or of Whisper's positions.
The last two see 10.24 s and 30 s at once: longer clips are cut into windows of that length, each
beginning where the frames of the one before it end.

A worker can import this file with Python 3.8 or later, without this project.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

FBANK_HOP_MS = 10  # of the Audio Spectrogram Transformer's filter bank, as Kaldi's
LAYERS = ("num_hidden_layers", "encoder_layers", "decoder_layers")  # keys of config.json
WIDTHS = ("hidden_size", "d_model")
UNUSED = ("masked_spec_embed",)  # in training only: Wav2Vec2's mask of SpecAugment


class Grid(NamedTuple):
    """Positions of frames: hop and first frame in ms, longest stretch of audio in s, and the
    numbers of bands and frames where there are patches."""

    hop_ms: float
    first_ms: float
    window_s: float | None = None
    patches: tuple[int, int] | None = None


class TransformersModel(nn.Module):
    """A feature extractor and a network, with the HEAR API's attributes."""

    def __init__(self, extractor: Any, network: Any, block: int | None, grid: Grid) -> None:
        super().__init__()
        self.extractor, self.network, self.block, self.grid = extractor, network, block, grid
        self.sample_rate = extractor.sampling_rate
        self.scene_embedding_size = self.timestamp_embedding_size = network.config.hidden_size

    def forward(self, audio: Tensor) -> Tensor:
        """Map a stretch of audio (n_sounds, n_samples) to frames (n_sounds, n_frames, size)."""
        inputs = self.extractor(
            list(audio.cpu().numpy()), sampling_rate=self.sample_rate, return_tensors="pt"
        )
        inputs = {name: value.to(audio.device) for name, value in inputs.items()}
        found = self.network(**inputs, output_hidden_states=self.block is not None)
        tokens = found.last_hidden_state if self.block is None else found.hidden_states[self.block]
        if tokens.ndim != 3:
            raise ValueError(
                f"expected hidden states (n_sounds, n_frames, size), found {tuple(tokens.shape)}"
            )
        if self.grid.patches is None:
            return tokens
        n_patches = math.prod(self.grid.patches)  # tokens in front of them stand for the whole
        return tokens[:, -n_patches:].unflatten(1, self.grid.patches).mean(dim=1)

    def frames(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Frames inside the clip, (n_sounds, n_frames, size), and their centers in ms."""
        hop_ms, first_ms, window_s, patches = self.grid
        if window_s is None:
            frames = self(audio)
        else:
            n_samples, length = audio.shape[1], round(window_s * self.sample_rate)
            n_kept = patches[1] if patches else round(1000 * window_s / hop_ms)
            step = round(n_kept * hop_ms * self.sample_rate / 1000)
            starts = range(0, max(0, n_samples - length) + step, step)
            parts = [self(audio[:, start : start + length])[:, :n_kept] for start in starts]
            last_ms = 1000 * n_samples / self.sample_rate
            n_inside = max(1, math.floor((last_ms - first_ms) / hop_ms) + 1)
            frames = torch.cat(parts, dim=1)[:, :n_inside]
        return frames, first_ms + hop_ms * torch.arange(frames.shape[1])


def check_size(folder: Path) -> None:
    """Raise ValueError if the config claims a network of more weights than the folder has bytes.

    Such a network would be built, weight by weight, before its weights are missed. A config that is
    no JSON object is left to transformers.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    if not isinstance(config, dict):
        return
    n_layers, width = (
        max([1, *(n for n in map(config.get, keys) if isinstance(n, int))])
        for keys in (LAYERS, WIDTHS)
    )
    n_bytes = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    if n_layers * width > n_bytes:
        raise ValueError(
            f"weights: {folder}: config.json: expected a network whose weights "
            f"are in the folder's {n_bytes} bytes, found {n_layers} layers of width {width}"
        )


def load_model(
    model_file_path: str = "",
    block: int | None = None,
    hop_ms: float | None = None,
    first_ms: float | None = None,
) -> TransformersModel:
    """Load a folder with float32 weights, without downloads and without running its code.

    Parameters
    ----------
    model_file_path : str
        The folder.
    block : int, optional
        Number of the block whose output is used; 0 is the input of the first block.
    hop_ms, first_ms : float, optional
        Distance of the frames, where the config does not tell it, and the first one's time, by
        default half of it.

    Raises
    ------
    ValueError
        If the folder, the block or the network is invalid.
    ImportError
        If transformers is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise ImportError(
            f"transformers cannot be imported ({error}): pip install transformers, or environment: "
            "{requirements: [torch, transformers]} in the model's entry"
        ) from error
    folder = Path(model_file_path)
    if not (folder / "config.json").is_file():
        raise ValueError(f"weights: expected a folder with config.json, found {model_file_path!r}")
    check_size(folder)
    rules = {"local_files_only": True, "trust_remote_code": False}
    try:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, **rules)
        network, info = transformers.AutoModel.from_pretrained(
            folder, weights_only=True, output_loading_info=True, **rules
        )
    except Exception as error:  # of many classes; after its first line it lists all that it knows
        said = str(error).splitlines()[:1]
        raise ValueError(f"weights: {folder}: {' '.join(said) or repr(error)}") from error
    missing = sorted(name for name in info["missing_keys"] if not name.endswith(UNUSED))
    if missing:
        raise ValueError(f"weights: {folder}: no tensors for {', '.join(missing[:5])}")
    if not isinstance(getattr(extractor, "sampling_rate", None), int):
        raise ValueError(f"weights: {folder}: {type(extractor).__name__} is not of audio")
    if getattr(network.config, "is_encoder_decoder", False):
        network = network.get_encoder()
    for key in ("num_hidden_layers", "hidden_size"):
        if not isinstance(found := getattr(network.config, key, None), int):
            raise ValueError(
                f"weights: {folder}: expected a network whose config has {key}, an int, found "
                f"{found!r} in {type(network).__name__}'s"
            )
    n_blocks = network.config.num_hidden_layers
    if block is not None and not 0 <= block <= n_blocks:
        raise ValueError(f"block: expected 0 to {n_blocks}, found {block}")
    for name, tensor in network.named_parameters():  # random where the file has none
        if name.endswith(UNUSED):
            nn.init.zeros_(tensor)
    grid = find_grid(network.config, extractor)
    if hop_ms is not None and not grid.hop_ms:
        grid = Grid(hop_ms, hop_ms / 2)
    if hop_ms not in (None, grid.hop_ms):
        raise ValueError(f"hop_ms: expected {grid.hop_ms:g} as the config tells, found {hop_ms:g}")
    if not grid.hop_ms:
        raise ValueError(
            f"hop_ms: expected how far apart the frames are, which {type(network).__name__}'s "
            "config does not tell"
        )
    if first_ms is not None:
        grid = grid._replace(first_ms=first_ms)
    return TransformersModel(extractor, network.float(), block, grid).eval()


def find_grid(config: Any, extractor: Any) -> Grid:
    """Read the positions of a network's frames from its config; hop 0 if they are not given."""
    rate = extractor.sampling_rate
    if hasattr(config, "conv_stride"):  # convolutions over samples, without padding
        field = 1
        for kernel, stride in list(zip(config.conv_kernel, config.conv_stride))[::-1]:  # noqa: B905
            field = (field - 1) * stride + kernel
        return Grid(1000 * math.prod(config.conv_stride) / rate, 1000 * field / rate / 2)
    if hasattr(config, "time_stride"):  # patches of a spectrogram of fixed length
        size = config.patch_size
        n_bands = (config.num_mel_bins - size) // config.frequency_stride + 1
        n_frames = (config.max_length - size) // config.time_stride + 1
        hop_ms, window_s = (
            FBANK_HOP_MS * config.time_stride,
            config.max_length * FBANK_HOP_MS / 1000,
        )
        return Grid(hop_ms, FBANK_HOP_MS * size / 2, window_s, (n_bands, n_frames))
    if hasattr(config, "max_source_positions") and hasattr(extractor, "chunk_length"):
        hop_ms = 1000 * extractor.chunk_length / config.max_source_positions
        return Grid(hop_ms, hop_ms / 2, extractor.chunk_length)
    return Grid(0.0, 0.0)


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: TransformersModel) -> Tensor:
    """Mean over frames: audio (n_sounds, n_samples) to (n_sounds, size)."""
    return model.frames(audio)[0].mean(dim=1)


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: TransformersModel) -> tuple[Tensor, Tensor]:
    """The network's frames, (n_sounds, n_timestamps, size), and their centers in ms."""
    frames, times = model.frames(audio)
    return frames, times.repeat(len(audio), 1)
