"""Analysis: normalized scores, summaries, statistics, figures and tables from score tables.

Depends on score tables only: no audio, no models, no configuration.
"""
