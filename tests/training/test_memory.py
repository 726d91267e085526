import pytest
import torch

from labcore.training.memory import is_out_of_memory, largest_batch, out_of_memory


def step_with_room_for(limit):
    def step(batch):
        if batch > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return step


@pytest.mark.parametrize(
    ("limit", "failed", "expected"), [(5, 8, 4), (6, 8, 6), (1, 64, 1), (0, 8, None), (100, 128, 96)]
)
def test_the_largest_batch_is_found_by_halving_and_a_finer_look(limit, failed, expected):
    assert largest_batch(step_with_room_for(limit), failed) == expected


def test_other_errors_are_not_swallowed():
    def step(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_batch(step, 8)


def test_what_counts_as_out_of_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert not is_out_of_memory(RuntimeError("size mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_real_allocation_that_cannot_succeed_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


def test_the_error_tells_what_to_do():
    assert "--batch-size 16" in str(out_of_memory(32, 16, "GPU"))
    assert "smaller network" in str(out_of_memory(1, None, "GPU"))
