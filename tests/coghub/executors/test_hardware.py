"""What GPUs are called, and how many of each there are."""

from coghub.executors.hardware import find_hardware, gpus_of


def test_gpus_of_one_kind_are_one_hardware():
    names = ["NVIDIA H100 80GB HBM3", "NVIDIA L40S", "NVIDIA H100 80GB HBM3"]

    found = {it.sku: (it.name, it.capacity, it.gpu_ids) for it in gpus_of(names)}

    assert found == {
        "gpu-h100": ("Nvidia H100 GPU", 2, ("0", "2")),
        "gpu-l40s": ("Nvidia L40S GPU", 1, ("1",)),
    }


def test_a_gpu_that_no_list_knows_has_a_sku_of_its_name():
    [found] = gpus_of(["NVIDIA GeForce RTX 4090"])

    assert (found.sku, found.name) == ("gpu-geforce-rtx-4090", "NVIDIA GeForce RTX 4090 GPU")


def test_the_cpu_comes_first_unless_nothing_may_run_on_it():
    assert find_hardware(cpu_instances=3)[0].capacity == 3
    assert "cpu" not in {it.sku for it in find_hardware(cpu_instances=0)}
