"""The charts kept as golden files. `python -m tests.report_goldens` writes them anew; look at them then."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from pipelines.report.chart import Caption
from pipelines.report.daily_chart import Day, daily_chart
from pipelines.report.edition import edition
from pipelines.report.mirror_chart import Exchange, MirrorDay, mirror_chart
from pipelines.report.profile_chart import Profile, profile_chart
from pipelines.report.register_chart import RegisterPoint, register_chart
from tests.report_fixture import RULES

FOLDER = Path(__file__).with_name("golden")
AS_OF = date(2024, 4, 1)
EN, ZH = edition("en", AS_OF, RULES), edition("zh", AS_OF, RULES)
CAPTION = Caption("golden", "A chart", "What it shows.")


def _days() -> list[Day]:
    """Sixty days with everything a day can be: read, spread, missing, flagged, cut off, with a band."""
    days = []
    for index in range(60):
        kwh: float | None = 8.0 + index % 7
        kwh = None if 20 <= index < 25 else 950.0 if index == 40 else kwh
        flagged = index == 40 or index >= 50
        band = (6.0, 11.0, 16.0) if index >= 30 else (None, None, None)
        days.append(Day(date(2024, 1, 20) + timedelta(days=index), kwh, 10 <= index < 14, *band, flagged))
    return days


def _mirrored() -> list[MirrorDay]:
    """Forty days of two meters exchanged on the 25th, with days one of them was not read."""
    first, days = date(2024, 1, 20), []
    for index in range(40):
        small, large = 3.0 + index % 3, 11.0 + index % 5
        up, down = (large, small) if index >= 25 else (small, large)
        days.append(MirrorDay(first + timedelta(days=index), None if 8 <= index < 11 else up, down))
    return days


SWAPPED = Exchange(date(2024, 2, 14), date(2024, 2, 12), date(2024, 2, 15))


def _reads() -> list[RegisterPoint]:
    registers = [4480.1, 4491.2, 4502.0, 4152.98, 4523.4, 4533.9]
    return [
        RegisterPoint(
            datetime(2024, 3, 9) + timedelta(days=index),
            register,
            "estimated" if index == 1 else "valid",
            "43010024011708",
            index == 3,
            4512.98 if index == 3 else None,
        )
        for index, register in enumerate(registers)
    ]


def _profiles() -> tuple[Profile, Profile]:
    before = [0.2 if hour < 6 else 0.6 for hour in range(24)]
    after = [None if hour == 12 else value + 0.5 for hour, value in enumerate(before)]
    return Profile(60, before, 28), Profile(60, after, 21)


GOLDENS: dict[str, Callable[[], str]] = {
    "chart_daily_en.svg": lambda: daily_chart(_days(), [date(2024, 2, 5)], CAPTION, EN),
    "chart_daily_zh.svg": lambda: daily_chart(_days(), [date(2024, 2, 5)], CAPTION, ZH),
    "chart_register_en.svg": lambda: register_chart(_reads(), CAPTION, EN),
    "chart_register_zh.svg": lambda: register_chart(_reads(), CAPTION, ZH),
    "chart_profile_en.svg": lambda: profile_chart(*_profiles(), CAPTION, EN),
    "chart_mirror_en.svg": lambda: mirror_chart(_mirrored(), ("0101", "0102"), SWAPPED, CAPTION, EN),
    "chart_mirror_static_zh.svg": lambda: mirror_chart(_mirrored(), ("0101", "0102"), None, CAPTION, ZH),
    "chart_nothing_zh.svg": lambda: daily_chart([], [], CAPTION, ZH),
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in GOLDENS.items():
        (FOLDER / name).write_text(str(draw()), encoding="utf-8")
