"""Stop buttons, pressed by people, and circuit breakers, that press them."""
