"""The sample city: a made population, its departments' deliveries with planted faults, and the truth beside them."""
