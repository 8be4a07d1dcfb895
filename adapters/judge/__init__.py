"""Engines that run strangers' code. Empty on purpose: a child process imports `inside` and nothing beside it."""
