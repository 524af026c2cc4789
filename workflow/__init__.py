"""The workflow: rules, their scripts, and the study that a config describes."""

VERSION = "0.2.0"  # of this software; CITATION.cff and CHANGELOG.md agree
