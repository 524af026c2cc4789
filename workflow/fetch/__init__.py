"""Archives and released weights: where they come from, what they must be, room for them."""
