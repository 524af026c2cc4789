"""Analysis: score tables in; normalized scores, summaries, figures and tables out.

Knows the score table and nothing else: no audio, no models, no configuration.
"""
