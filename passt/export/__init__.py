"""Export of checkpoints to ONNX: graphs, comparison with torch, model card."""
