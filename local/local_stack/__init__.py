"""The local stack: the product's own template and handlers on an emulator, and what the emulator lacks."""
