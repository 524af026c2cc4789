"""Patchout training on multi-label tags: recipes, data, augmentation, schedule, loop.

The recipe follows Koutini et al., "Efficient Training of Audio Transformers with Patchout"
(Interspeech 2022), the paper's Appendix A and the PaSST repository.
"""
