"""What the benches of a whole installation share."""
