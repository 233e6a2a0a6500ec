"""Who listens, who comes back and what rises: from sessions, charts and the catalogue, never from the plays."""
