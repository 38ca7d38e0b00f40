"""The check report in words, English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from pipelines.book import Note
from pipelines.check import CheckReport, Readiness
from pipelines.check_reads import Completeness

_TEXTS = {
    "tables": ("What is in the book", "账本内容"),
    "table": ("table", "表"),
    "read": ("rows read", "读入行数"),
    "accepted": ("accepted", "采用"),
    "quarantined": ("quarantined", "隔离"),
    "absent": ("columns it lacks", "缺少的列"),
    "not_there": ("not in the book", "账本中没有"),
    "quarantine": ("Rows that could not be read", "无法识别的行"),
    "rule": ("rule", "规则"),
    "rows": ("rows", "行数"),
    "first": ("first at", "首处位置"),
    "reason": ("reason", "原因"),
    "months": ("Daily reads received, by month", "各月日冻结采集情况"),
    "month": ("month", "月份"),
    "due": ("due", "应采"),
    "received": ("received", "实采"),
    "share": ("share", "采集率"),
    "blocked": ("Checks that cannot run", "不能运行的检查"),
    "code": ("code", "代码"),
    "why": ("what it lacks", "缺少什么"),
    "no_reads": ("There are no usable register reads.", "没有可用的示数。"),
    "span": ("Register reads from {first} to {last}.", "示数自 {first} 至 {last}。"),
    "counts": (
        "{accounts} accounts, {meters} meters ({supply} of them supply meters), "
        "{areas} areas, {boxes} meter boxes.",
        "户号 {accounts} 个，电表 {meters} 只（其中台区总表 {supply} 只），"
        "台区 {areas} 个，表箱 {boxes} 个。",
    ),
    "orphans": (
        "Meters with reads but no installation: {rows}; they will be raised as findings.",
        "有 {rows} 只电表有示数而无安装记录，将作为问题列出。",
    ),
    "silent": ("Installed meters without a single read: {rows}.", "有 {rows} 只已安装电表没有任何示数。"),
    "after": (
        "Reads after {day}, the last day on which reads came in as usual: {rows}.",
        "有 {rows} 条示数晚于 {day}（最后一个正常采集日）。",
    ),
    "periodic": (
        "Meters read about every {gap} days: {meters}; {received} of {due} reads received ({share}).",
        "有 {meters} 只电表约每 {gap} 天抄一次：应抄 {due} 次，实抄 {received} 次（{share}）。",
    ),
    "ready": ("{run} of {all} checks can run on this book.", "{all} 项检查中有 {run} 项可以运行。"),
    "unknown_word": (
        "{table}.{column}: '{value}' is not a known word and was read as empty; rows: {rows}.",
        "{table}.{column}：“{value}”不是可识别的取值，{rows} 行按空值处理。",
    ),
    "time_of_day": (
        "{table}.{column} is a date; the time of day was dropped; rows: {rows}.",
        "{table}.{column} 为日期列，{rows} 行中的时刻已略去。",
    ),
    "unknown_column": ("{table}: column '{column}' is not used.", "{table}：列“{column}”未使用。"),
    "unknown_file": (
        "'{value}' is not a table of the book and was left alone.",
        "“{value}”不是账本中的表，未读取。",
    ),
    "duplicate_rows": (
        "{table}: rows that repeat another exactly, counted once: {rows}.",
        "{table}：{rows} 行完全重复，只计一次。",
    ),
}
_WIRING = {
    "title": ("Homes on each other's meters: what this book cannot show", "串户：本账本看不出的情形"),
    "no_neighbours": (
        "No box and no area is on file (accounts.box_id, area_id): no home can be compared with its neighbours, "
        "so exchanged homes are not looked for at all.",
        "档案缺表箱和台区（accounts.box_id、area_id）：无法与邻户比较，串户检查完全不能进行。",
    ),
    "areas_only": (
        "No box is on file (accounts.box_id): homes are compared within their area, and not at all where it is large.",
        "档案缺表箱（accounts.box_id）：只能在台区内比较，台区户数多时不比较。",
    ),
    "totals_only": (
        "No interval reads: homes are told apart by their daily totals, which finds fewer exchanges.",
        "没有负荷曲线：只能凭日电量区分住户，能发现的串户会少一些。",
    ),
    "no_named_days": (
        "No events and no tickets: works, cuts and complaints cannot name the day, nor show a cut at the wrong home.",
        "没有事件和工单：无法借施工、停复电或投诉确定日期，也看不出停错户。",
    ),
    "no_files": (
        "No accounts table: vacancy, move-in, class and generation cannot be held against the meters.",
        "没有 accounts 表：空置、迁入、用户类别和光伏登记无法与电表对照。",
    ),
    "no_balance": (
        "No supply meters: nobody can be shown to hang on another area than filed.",
        "没有台区总表：看不出户挂错台区。",
    ),
    "always": (
        "In any book: two homes that live alike, and an exchange as old as the reads that no record contradicts.",
        "任何账本都看不出：两户用电习惯相近，或自有抄表以来就已接错而档案中没有矛盾。",
    ),
}
_RULES_ZH = {
    "empty_required": "必填项为空，请补全",
    "null_register": "示数为空但质量标志不是 missing，请标为 missing 或删除该行",
    "null_kwh": "电量为空但质量标志不是 missing，请标为 missing 或删除该行",
    "not_a_datetime": "时间无法识别，请写成 2024-03-01 00:00:00",
    "not_a_date": "日期无法识别，请写成 2024-03-01",
    "inexact_datetime": "时间精度高于微秒，请取整",
    "offset_without_time_zone": "时间带时区偏移，请在 book.toml 中填写 time_zone",
    "not_a_number": "不是数字，请勿使用千分位或单位",
    "not_finite": "数值为 NaN 或无穷大，请留空",
    "inexact_number": "数字位数过多，无法精确保存",
    "not_a_whole_number": "不是整数",
    "not_true_or_false": "不是 true 或 false",
    "not_active_energy": "不是有功电量（无功或需量），请不要放入账本",
    "unknown_channel": "通道不可识别，请在导入时对应",
    "unknown_quality": "质量标志不可识别，请在导入时对应",
    "unknown_kind": "类别不可识别，请在导入时对应",
    "unknown_result": "结果不可识别，请在导入时对应",
    "unknown_point_role": "计量点角色不可识别，请写 add、subtract 或 check",
    "bad_minutes": "间隔分钟数不能整除一天，请写 15、30、60 等",
    "bad_fold": "fold 只能是 0 或 1",
    "blank_line": "空行，请删除",
    "too_few_fields": "字段数少于表头，请补足逗号",
    "too_many_fields": "字段数多于表头，含逗号的文字请加引号",
    "unclosed_quote": "引号没有成对，请补全或删除",
    "unreadable_line": "该行无法拆分，请存为普通 CSV",
}
_LACKING = {
    "table": ("table {name}", "{name} 表"),
    "electrical": ("voltage, current or power (electrical_reads)", "电压、电流或功率（electrical_reads）"),
    "curve": ("interval reads", "负荷曲线"),
    "rates": ("rate registers (import_t1 … import_t4)", "分时示数（import_t1 … import_t4）"),
    "export": ("an export register", "反向有功示数"),
    "daily": ("meters read daily", "逐日采集的电表"),
    "periodic": ("meters read once a billing period", "按周期抄表的电表"),
    "days": ("{name} days of reads", "{name} 天的示数"),
}


def render(report: CheckReport, lang: str) -> Iterator[str | Table]:
    """Lines and rich tables, in reading order. `lang`: `en` or `zh`."""
    yield _tables(report, lang)
    if report.quarantine:
        yield _quarantine(report, lang)
    yield from _counts(report, lang)
    yield from _completeness(report.completeness, lang)
    yield from (_note(note, lang) for note in report.notes)
    yield from _rules(report.rules, lang)
    yield _WIRING["title"][lang == "zh"]
    yield from (f"  · {_WIRING[name][lang == 'zh']}" for name in (*report.wiring_blind, "always"))


def _say(key: str, lang: str, **facts: object) -> str:
    return _TEXTS[key][lang == "zh"].format(**facts)


def _grid(
    title: str, lang: str, left: tuple[str, ...], right: tuple[str, ...], last: tuple[str, ...] = ()
) -> Table:
    grid = Table(title=_say(title, lang), title_justify="left")
    for name in left:
        grid.add_column(_say(name, lang))
    for name in right:
        grid.add_column(_say(name, lang), justify="right")
    for name in last:
        grid.add_column(_say(name, lang), overflow="fold")
    return grid


def _tables(report: CheckReport, lang: str) -> Table:
    grid = _grid("tables", lang, ("table",), ("read", "accepted", "quarantined"), ("absent",))
    for table in report.tables:
        if table.present:
            grid.add_row(table.name, *(f"{rows:,}" for rows in table.counts), ", ".join(table.absent_columns))
        else:
            grid.add_row(table.name, "–", "–", "–", _say("not_there", lang))
    return grid


def _quarantine(report: CheckReport, lang: str) -> Table:
    grid = _grid("quarantine", lang, ("table", "rule"), ("rows",), ("first", "reason"))
    for lost in report.quarantine:
        reason = rule_text(lost.rule) if lang == "zh" else lost.reason
        grid.add_row(lost.table, lost.rule, f"{lost.rows:,}", f"{lost.file}:{lost.line}", reason)
    return grid


def _counts(report: CheckReport, lang: str) -> Iterator[str]:
    if report.first_read is None or report.last_read is None:
        yield _say("no_reads", lang)
    else:
        yield _say(
            "span",
            lang,
            first=f"{report.first_read:%Y-%m-%d %H:%M}",
            last=f"{report.last_read:%Y-%m-%d %H:%M}",
        )
    yield _say(
        "counts",
        lang,
        accounts=f"{report.accounts:,}",
        meters=f"{report.meters:,}",
        supply=f"{report.supply_meters:,}",
        areas=f"{report.areas:,}",
        boxes=f"{report.boxes:,}",
    )
    if report.meters_without_installation:
        yield _say("orphans", lang, rows=f"{report.meters_without_installation:,}")
    if report.installed_without_reads:
        yield _say("silent", lang, rows=f"{report.installed_without_reads:,}")


def _completeness(filled: Completeness, lang: str) -> Iterator[str | Table]:
    if filled.months:
        grid = _grid("months", lang, ("month",), ("due", "received", "share"))
        for month in filled.months:
            grid.add_row(
                f"{month.month:%Y-%m}", f"{month.expected:,}", f"{month.received:,}", f"{month.share:.1%}"
            )
        yield grid
    if filled.periodic:
        rows = filled.periodic
        share = f"{rows.received / rows.expected:.1%}"
        gap = f"{rows.median_gap_days:.0f}"
        yield _say(
            "periodic",
            lang,
            meters=f"{rows.meters:,}",
            gap=gap,
            received=rows.received,
            due=rows.expected,
            share=share,
        )
    if filled.reads_after:
        yield _say("after", lang, rows=f"{filled.reads_after:,}", day=filled.as_of)


def _note(note: Note, lang: str) -> str:
    return _say(
        note.kind, lang, table=note.table, column=note.column, value=note.value, rows=f"{note.rows:,}"
    )


def _rules(rules: tuple[Readiness, ...], lang: str) -> Iterator[str | Table]:
    if not rules:
        return
    blocked = [rule for rule in rules if not rule.runs]
    yield _say("ready", lang, run=len(rules) - len(blocked), all=len(rules))
    if blocked:
        grid = _grid("blocked", lang, ("code",), (), ("why",))
        for rule in blocked:
            grid.add_row(
                rule.code,
                ("；" if lang == "zh" else "; ").join(lacking_text(what, lang) for what in rule.lacking),
            )
        yield grid


def lacking_text(what: str, lang: str) -> str:
    """One entry of `Readiness.lacking` in words."""
    kind, _, name = what.partition(":")
    return _LACKING[kind][lang == "zh"].format(name=name)


def rule_text(rule: str) -> str:
    """A quarantine rule in Chinese; in English the row's own reason says it, with the cell."""
    return _RULES_ZH[rule]
