"""Rules say undetermined: would this household be eligible if the gap were filled? It orders who is asked first."""
