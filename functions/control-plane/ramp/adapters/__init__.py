"""What the ramp reads and moves on AWS; each module is one noun and knows nothing of the others."""
