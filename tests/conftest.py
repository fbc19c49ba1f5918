"""Every test is offline, on the CPU and on one thread: tiny networks run several times faster that way."""

import os

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torch

torch.set_num_threads(1)
