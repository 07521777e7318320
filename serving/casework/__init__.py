"""Cases and the state machine: what people decide, and every move that an entitlement makes."""
