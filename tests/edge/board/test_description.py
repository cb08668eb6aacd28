"""What a machine says of itself: a Pi 4, a Pi 5 with two kinds of cores, a PC, a container that hides everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.board.description import describe
from tests.edge.service.doctor.planted import plant


def arm_cores(*parts: str) -> str:
    return "\n\n".join(
        f"processor\t: {number}\nFeatures\t: fp asimd crc32 asimddp\nCPU implementer\t: 0x41\nCPU part\t: {part}"
        for number, part in enumerate(parts)
    )


PI_4 = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/device-tree/serial-number": "10000000deadbeef\0",
    "proc/cpuinfo": arm_cores("0xd08", "0xd08") + "\n\nSerial\t\t: 10000000deadbeef\nModel\t\t: Raspberry Pi 4\n",
    "proc/meminfo": "MemTotal:        3884612 kB\nMemFree: 1 kB\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1800000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq": "1500000\n",
}


def test_a_pi_4(tmp_path: Path) -> None:
    board = describe(plant(tmp_path, PI_4))
    assert board.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert (board.processor, board.features) == ("Cortex-A72", ("asimddp",))
    assert (board.memory_mb, board.governor, board.frequency_mhz) == (3977, "ondemand", 1800)
    assert board.system == "Debian GNU/Linux 12 (bookworm)"
    assert "deadbeef" not in repr(board)


def test_a_board_with_cores_of_two_kinds_and_one_that_nobody_knows(tmp_path: Path) -> None:
    files = {"proc/cpuinfo": arm_cores("0xd05", "0xd05", "0xd0b", "0xfff")}
    assert describe(plant(tmp_path, files)).processor == "Cortex-A55, Cortex-A76, Arm implementer 0x41 part 0xfff"


def test_a_pc_has_maker_and_product_and_no_serial_number(tmp_path: Path) -> None:
    dmi = "sys/class/dmi/id"
    board = describe(
        plant(
            tmp_path,
            {
                f"{dmi}/sys_vendor": "LENOVO\n",
                f"{dmi}/product_name": "20XW\n",
                f"{dmi}/product_serial": "PF2DEADBEEF\n",
                "proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD Ryzen 7\nflags\t\t: sse2 avx2 avx512_vnni\n",
            },
        )
    )
    assert (board.model, board.processor, board.features) == ("LENOVO 20XW", "AMD Ryzen 7", ("avx2", "avx512_vnni"))
    assert "DEADBEEF" not in repr(board)


@pytest.mark.parametrize(("text", "quota"), [("200000 100000\n", 2.0), ("max 100000\n", None), ("50000 0\n", None)])
def test_a_container_may_have_part_of_the_time(tmp_path: Path, text: str, quota: float | None) -> None:
    assert describe(plant(tmp_path, {"sys/fs/cgroup/cpu.max": text})).cpu_quota == quota


def test_where_everything_is_hidden_there_is_little_to_say(tmp_path: Path) -> None:
    board = describe(tmp_path)
    assert (board.model, board.processor, board.memory_mb, board.governor, board.system) == (None,) * 5
    assert board.cores >= board.usable_cores >= 1
    assert board.bits in {32, 64}
