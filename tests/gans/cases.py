"""Variants and the kind of data that each is tried on, where what is promised holds for all of them."""

CASES = [("gan", "points"), ("wgan_gp", "points"), ("r1gan", "pictures"), ("dcgan", "pictures"), ("wgan", "pictures")]
