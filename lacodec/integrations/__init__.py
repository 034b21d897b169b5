"""Adapters to other libraries; each imports its library when it is first used."""
