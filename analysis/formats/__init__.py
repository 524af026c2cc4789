"""Scores of a study in the formats of other tools."""
