"""Processes that each hold a share of the samples arrive, by torchmetrics' own sync, at the score of all of them."""

import json
import subprocess
import sys

import pytest
import torch

from metrics import FrechetDistance, InceptionScore, KernelDistance

MEMBER = """
import json, sys
import torch
from torch import distributed
from tests.metrics.test_distributed import judged

rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=2)
print(json.dumps(judged(rank, 2)))
distributed.destroy_process_group()
"""


def judged(rank, size):
    """Scores of our share of fixed samples; one share holds more samples than dimensions, the other side's fewer."""
    random = torch.Generator().manual_seed(0)
    real, fake = torch.randn(300, 8, generator=random), torch.randn(91, 8, generator=random) + 0.3
    share = fake if size == 1 else (fake[:80], fake[80:])[rank]
    found = {}
    for judge in (FrechetDistance(8), KernelDistance(), InceptionScore()):
        if not isinstance(judge, InceptionScore):
            judge.update(real[rank::size], real=True)
        judge.update(share)
        found[type(judge).__name__] = float(judge.compute())
    return found


@pytest.mark.slow
def test_two_processes_arrive_at_the_scores_of_one(tmp_path):
    command = [sys.executable, "-c", MEMBER]
    members = [
        subprocess.Popen([*command, str(rank), str(tmp_path)], stdout=subprocess.PIPE, text=True) for rank in (0, 1)
    ]
    said = [json.loads(member.communicate(timeout=120)[0]) for member in members]
    alone = judged(0, 1)
    assert said[0] == said[1] == pytest.approx(alone, rel=1e-12)
    assert judged(0, 2) != pytest.approx(alone, rel=1e-3)
