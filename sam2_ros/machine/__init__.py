"""The computer it runs on: what works here, tried in a process of its own where it may crash."""
