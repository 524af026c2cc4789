"""Verification of a finished study: its chain from archives to figures' numbers, made again."""
