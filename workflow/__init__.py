"""The workflow: rules, their scripts, and the study that a config describes."""
