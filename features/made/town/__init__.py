"""A small made town in China: coherent households and enterprises with the facts that departments would hold."""
