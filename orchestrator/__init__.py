"""Experiments with GANs: configured, scheduled on Ray, judged at every tick, recorded in MLflow, ranked."""
