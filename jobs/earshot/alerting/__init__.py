"""Rules, fingerprints, states, grouping and the outbox."""
