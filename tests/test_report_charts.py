"""Charts: golden files, and what must hold for any series, however odd."""

import re
from datetime import date, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.report.chart import LEFT, RIGHT, Caption, runs, spaced
from pipelines.report.daily_chart import BARS_SHOWN, Day, daily_chart
from pipelines.report.mirror_chart import Exchange, MirrorDay, mirror_chart
from pipelines.report.profile_chart import Profile, profile_chart
from pipelines.report.register_chart import RegisterPoint, register_chart
from pipelines.report.scale import Scale, bounds, round_step
from tests.report_goldens import CAPTION, EN, FOLDER, GOLDENS, ZH

NAN = float("nan")
START = date(2024, 1, 1)
KWH = st.one_of(st.none(), st.floats(-1e9, 1e9), st.just(NAN), st.just(float("inf")))


def days(*kwh: float | None, **more: float) -> list[Day]:
    return [Day(START + timedelta(days=index), value, **more) for index, value in enumerate(kwh)]


def drawn(svg: str) -> str:
    """The SVG, once it is known to be well formed, self-contained and free of NaN."""
    ElementTree.fromstring(svg)
    body = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf|infinity|none)\b", body, re.IGNORECASE)
    assert "var(" not in svg
    assert "href" not in svg
    assert "<title id=" in svg
    assert "<desc id=" in svg
    return svg


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_charts_are_those_of_the_golden_files(name: str) -> None:
    assert str(GOLDENS[name]()) == (FOLDER / name).read_text(encoding="utf-8")


@given(st.lists(st.tuples(KWH, st.booleans(), st.booleans()), max_size=80), st.sampled_from([EN, ZH]))
@settings(max_examples=60, deadline=None)
def test_any_days_can_be_drawn(values: list[tuple[float | None, bool, bool]], edition: object) -> None:
    series = [
        Day(START + timedelta(days=index), kwh, spread, kwh, kwh, kwh, flagged)
        for index, (kwh, spread, flagged) in enumerate(values)
    ]
    drawn(daily_chart(series, [START], CAPTION, edition))  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.one_of(st.none(), st.floats(0, 1e9))), max_size=30))
@settings(max_examples=40, deadline=None)
def test_any_reads_can_be_drawn(values: list[tuple[float, float | None]]) -> None:
    moment = datetime(2024, 1, 1)
    points = [
        RegisterPoint(
            moment + timedelta(hours=7 * index), register, "valid", "m", corrected is not None, corrected
        )
        for index, (register, corrected) in enumerate(values)
    ]
    drawn(register_chart(points, CAPTION, EN))


def test_no_days_say_so() -> None:
    assert "No read in this period" in drawn(daily_chart([], [], CAPTION, EN))


def test_one_day_is_one_bar() -> None:
    svg = drawn(daily_chart(days(7.5), [], CAPTION, EN))
    assert "1 Jan: 7.50 kWh" in svg


def test_missing_days_are_drawn_as_missing_not_as_zero() -> None:
    svg = drawn(daily_chart(days(None, None, None), [], CAPTION, EN))
    assert 'class="gap"' in svg
    assert "1 Jan – 3 Jan: no read: use unknown" in svg
    assert "kWh</title>" not in svg


def test_negative_use_stands_below_the_zero_line() -> None:
    svg = drawn(daily_chart(days(-5.0, 5.0), [], CAPTION, EN))
    tops = [
        float(y)
        for y in re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="[\d.]+"><title>', svg)
    ]
    zero = float(re.search(r'class="zero" d="M52 ([\d.]+)', svg)[1])  # type: ignore[index]
    assert tops[0] == zero
    assert tops[1] < zero


def test_a_spike_is_cut_and_labelled_so_that_the_rest_stays_readable() -> None:
    svg = drawn(daily_chart(days(*[10.0] * 30, 10_000.0), [], CAPTION, EN))
    assert 'class="cut"' in svg
    assert "10,000 kWh</text>" in svg
    low, high = bounds([10.0] * 30 + [10_000.0])
    assert (low, high) == (0.0, 15.0)


def test_a_jump_that_lasts_is_not_cut() -> None:
    assert bounds([10.0] * 200 + [60.0] * 20)[1] > 60.0


def test_ten_years_become_averages_and_say_so() -> None:
    svg = drawn(daily_chart(days(*[10.0] * 3653), [], CAPTION, EN))
    assert "average of 9 days per bar" in svg
    assert svg.count("kWh</title>") <= BARS_SHOWN
    assert len(svg) < 60_000


def test_flagged_days_carry_a_triangle_and_an_outline() -> None:
    series = [Day(START + timedelta(days=index), 10.0, flagged=index == 3) for index in range(8)]
    svg = daily_chart(series, [], CAPTION, EN)
    assert svg.count('class="mark"') == 2, "one in the legend, one over the day"
    long = [Day(START + timedelta(days=index), 10.0, flagged=index >= 3) for index in range(200)]
    svg = daily_chart(long, [], CAPTION, EN)
    assert svg.count('class="mark"') == 2
    assert svg.count('class="bracket"') == 2, "a bracket over the run and its outline"


def test_reads_of_two_meters_are_not_joined() -> None:
    moment = datetime(2024, 1, 1)
    points = [
        RegisterPoint(moment + timedelta(days=index), 10.0 * index, "valid", "a" if index < 3 else "b")
        for index in range(6)
    ]
    assert register_chart(points, CAPTION, EN).count('<polyline class="line"') == 2


def test_an_unknown_interval_breaks_the_profile() -> None:
    svg = drawn(profile_chart(None, Profile(60, [1.0] * 5 + [None] + [NAN] + [2.0] * 17, 3), CAPTION, EN))
    assert re.search(r'class="line" d="M[\d.]+ [\d.]+V[^M]*M', svg)
    assert "No read" in drawn(profile_chart(None, Profile(60, [None] * 24, 1), CAPTION, EN))


@given(st.floats(1e-5, 1e9), st.floats(0, 1e9))
def test_ticks_are_round_and_inside(size: float, low: float) -> None:
    scale = Scale(low, low + size, 0.0, 100.0)
    for tick in scale.ticks():
        assert low - size * 1e-6 - 1e-9 <= tick <= (low + size) * (1 + 1e-6) + 1e-9
    assert len(scale.ticks()) <= 7


@pytest.mark.parametrize(
    ("raw", "step"), [(1.0, 1.0), (1.1, 2.0), (2.2, 2.5), (3.0, 5.0), (6.0, 10.0), (0.03, 0.05)]
)
def test_steps_are_round(raw: float, step: float) -> None:
    assert round_step(raw) == pytest.approx(step)


def test_labels_keep_apart_and_inside() -> None:
    marks = spaced([(LEFT + index * 20.0, f"{index} Mar", index) for index in range(30)])
    labelled = [x for x, text in marks if text]
    assert min(later - x for x, later in pairwise(labelled)) >= 40
    assert max(labelled) <= RIGHT


def test_runs_are_half_open() -> None:
    assert runs([True, True, False, True]) == [(0, 2), (3, 4)]
    assert runs([]) == []


def test_titles_are_escaped() -> None:
    svg = daily_chart(days(1.0), [], Caption("x", "<b>&", "d"), EN)
    assert "&lt;b&gt;&amp;" in drawn(svg)


def test_in_a_mirror_the_colour_follows_the_home_and_the_side_the_meter() -> None:
    use = [(1.0, 9.0), (1.0, 9.0), (9.0, 1.0), (9.0, 1.0)]
    shown = [MirrorDay(START + timedelta(days=at), up, down) for at, (up, down) in enumerate(use)]
    on = START + timedelta(days=2)
    svg = str(mirror_chart(shown, ("A", "B"), Exchange(on, on, on), CAPTION, EN))
    homes = {kind: re.findall(r"M([\d.]+) 129(?:\.0)?V([\d.]+)", path)
             for kind, path in re.findall(r'<path class="(read|other)" d="([^"]+)"', svg)}  # fmt: skip
    heights = {kind: sorted(abs(float(top) - 129.0) for _, top in bars) for kind, bars in homes.items()}
    assert max(heights["read"]) < min(heights["other"]), "one home uses little wherever it is drawn"
    up = {kind: [float(top) < 129.0 for _, top in bars] for kind, bars in homes.items()}
    assert up == {"read": [True, True, False, False], "other": [False, False, True, True]}
    assert "day not sure" not in svg


def test_a_mirror_of_nothing_says_so() -> None:
    nothing = [MirrorDay(START, None, None)]
    assert EN.t("chart.nothing") in str(mirror_chart(nothing, ("A", "B"), None, CAPTION, EN))
    assert EN.t("chart.nothing") in str(mirror_chart([], ("A", "B"), None, CAPTION, EN))


@given(st.lists(st.tuples(KWH, KWH), max_size=40), st.one_of(st.none(), st.integers(0, 50)))
@settings(max_examples=60, deadline=None)
def test_any_two_meters_can_be_drawn(values: list[tuple[float | None, float | None]], on: int | None) -> None:
    shown = [MirrorDay(START + timedelta(days=at), up, down) for at, (up, down) in enumerate(values)]
    day = START + timedelta(days=on or 0)
    drawn(str(mirror_chart(shown, ("A", "B"), None if on is None else Exchange(day, day, day), CAPTION, EN)))
