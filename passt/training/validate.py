"""Validation: macro mean average precision of the tags."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from passt.lengths import SAMPLE_RATE_HZ
from passt.mel import MelSpectrogram
from passt.training.data import Clips, read_crop
from passt.transformer import PaSST

BATCH_CLIPS = 16


def macro_map(targets: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """Mean average precision over tags that occur, NaN if none does; shapes (n_clips, n_tags)."""
    occurs = targets.any(axis=0)
    if not occurs.any():
        return float("nan")
    return float(average_precision_score(targets[:, occurs], scores[:, occurs], average="macro"))


@torch.inference_mode()
def validate(network: PaSST, mel: MelSpectrogram, clips: Clips, seconds: float) -> float:
    """Macro mAP of the first ``seconds`` of every clip; shorter ones are padded with zeros.

    The network is left in evaluation mode; ``mel`` must be on the network's device.
    """
    network.eval()
    n_samples, device = round(seconds * SAMPLE_RATE_HZ), mel.window.device
    scores = []
    for first in range(0, len(clips), BATCH_CLIPS):
        paths = clips.paths[first : first + BATCH_CLIPS]
        waveforms = np.stack([read_crop(path, n_samples, 0.0) for path in paths])
        logits, _ = network(mel(torch.from_numpy(waveforms).to(device)))
        scores.append(logits.float().cpu().numpy())
    return macro_map(clips.targets, np.concatenate(scores))
