"""The US catalogue against policyengine-us on the same households: agreement and speed.

policyengine-us is free software under the AGPL. It runs in an environment and a process of its own; nothing of it is
imported or copied here.
"""
