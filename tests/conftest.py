"""Every test is offline, on the CPU and on one thread: tiny networks run several times faster that way."""

import os
import signal

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torch

torch.set_num_threads(1)
# A shell lets what it starts in the background ignore Ctrl-C, and so would the commands that journeys end that way.
signal.signal(signal.SIGINT, signal.default_int_handler)
