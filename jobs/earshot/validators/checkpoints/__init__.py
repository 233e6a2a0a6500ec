"""Great Expectations' own Checkpoints on the gate's verdicts, and the actions that follow them."""
