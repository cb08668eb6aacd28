"""How a machine is at the moment: warm, slowed down, on its battery; or it does not say."""

from __future__ import annotations

from pathlib import Path

from edge.board.conditions import conditions
from tests.edge.service.doctor.planted import plant

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
BATTERY = "sys/class/power_supply/BAT0"


def test_a_warm_pi_that_was_slowed_down(tmp_path: Path) -> None:
    found = conditions(
        plant(
            tmp_path,
            {
                "sys/class/thermal/thermal_zone0/temp": "81234\n",
                THROTTLED: "50008\n",
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
                "sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq": "1500000\n",
            },
        )
    )
    assert (found.temperature_c, found.frequency_mhz) == (81.234, 1500)
    assert found.throttled_now == ("at the soft temperature limit",)
    assert found.throttled_since_start == ("under-voltage", "throttled")
    assert not found.on_battery


def test_a_battery_counts_while_it_empties(tmp_path: Path) -> None:
    plant(tmp_path, {f"{BATTERY}/type": "Battery\n", f"{BATTERY}/status": "Charging\n"})
    assert not conditions(tmp_path).on_battery
    plant(tmp_path, {f"{BATTERY}/status": "Discharging\n"})
    assert conditions(tmp_path).on_battery


def test_the_battery_of_a_mouse_is_not_the_machines(tmp_path: Path) -> None:
    mouse = "sys/class/power_supply/hidpp_battery_0"
    plant(
        tmp_path,
        {f"{mouse}/type": "Battery\n", f"{mouse}/status": "Discharging\n", f"{mouse}/scope": "Device\n"},
    )
    assert not conditions(tmp_path).on_battery


def test_a_machine_that_does_not_say(tmp_path: Path) -> None:
    found = conditions(plant(tmp_path, {THROTTLED: "what?\n", "sys/class/thermal/thermal_zone0/temp": "\n"}))
    assert (found.temperature_c, found.frequency_mhz, found.throttled_now, found.throttled_since_start) == (None,) * 4
