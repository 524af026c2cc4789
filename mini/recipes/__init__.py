"""One module per family of mini tasks: one recipe function makes one clip."""
