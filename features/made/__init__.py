"""Made populations: for demonstrations, tests and measurements, never for a decision."""
