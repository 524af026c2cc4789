"""Speed and memory against the references: one module per question, results as CSV."""
