"""What is read, and hostile cases of it."""
