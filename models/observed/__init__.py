"""Learning from what people did, where most were never asked: who counts as what, and with which weight."""
