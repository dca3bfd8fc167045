"""From a plan to an image of Docker: what it is made of, its text, its making."""
