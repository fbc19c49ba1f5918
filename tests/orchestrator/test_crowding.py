"""Backing off: half as many replicas at once whenever memory does not suffice, and a reason for each time."""

import pytest
import torch

from orchestrator import crowding
from orchestrator.crowding import back_off, killed_for_memory, lacks_memory


def cpu_error() -> RuntimeError:
    """What torch raises when the processor's memory does not suffice."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    return caught.value


@pytest.mark.parametrize(("room", "tried"), [(5, [5]), (4, [5, 2]), (2, [5, 2]), (1, [5, 2, 1])])
@pytest.mark.parametrize("lack", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), cpu_error()])
def test_a_trial_goes_on_with_fewer_replicas_at_once_until_they_fit(room, tried, lack):
    seen, notes = [], []

    def attempt(together):
        seen.append(together)
        if together > room:
            raise lack

    back_off(attempt, 5, notes.append)
    assert seen == tried
    assert [note["together"] for note in notes] == tried[1:]
    assert all(type(lack).__name__ in note["reason"] for note in notes)


def test_one_replica_for_which_memory_does_not_suffice_fails():
    with pytest.raises(MemoryError):
        back_off(_lack, 4, lambda _: None)


def test_another_error_is_no_lack_of_memory_and_is_not_tried_again():
    seen = []

    def attempt(together):
        seen.append(together)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        back_off(attempt, 4, lambda _: None)
    assert seen == [4]
    assert not lacks_memory(KeyError("memory"))


def test_a_lost_worker_was_killed_for_memory_where_ray_says_so_or_the_system_counts_one_more(monkeypatch, tmp_path):
    usual = "The actor died. (1) the process is killed by SIGKILL by OOM killer due to high memory usage."
    counter = tmp_path / "vmstat"
    counter.write_text("pgfault 7\noom_kill 3\nnuma_hit 1\n")
    monkeypatch.setattr(crowding, "COUNTERS", (counter, tmp_path / "absent"))
    assert crowding.kills() == 3
    assert killed_for_memory(usual, 3) is None  # Ray says this of every worker that was lost
    assert killed_for_memory(usual, 2) == "the system killed its worker"
    assert killed_for_memory("Task was killed due to the node running low on memory", 3) == "Ray killed its worker"


def _lack(together: int) -> None:
    raise MemoryError
