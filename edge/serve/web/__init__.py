"""What is HTTP's: connections and their limits, who is let through, bodies, errors, streams, the server's thread."""
