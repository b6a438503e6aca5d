"""How fast a graphics card is with TAP and without, by one command."""
