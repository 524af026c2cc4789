"""Rehearsal of the paper's study: stand-ins for archives, weights and servers; the run itself."""
