"""Schemas of the input tables (contract §2): the single source for validation and documentation.

Energy kWh, power kW, temperature °C, money in the utility's currency; times are naive local wall time.
Registers and interval energy are as the meter shows them: the installation's multiplier is not applied.
"""

from __future__ import annotations

import dataframely as dy

from anomaly import vocabulary as v
from anomaly.frames_columns import choice, day, fold, identifier, moment, number, whole, words, yes_no


class RegisterReads(dy.Schema):
    """One register read (示数): what the dial showed at an instant."""

    meter_id = identifier("the meter read", required=True)
    read_at = moment("instant of the read", required=True)
    channel = choice(v.CHANNELS, "which register", default=v.DEFAULT_CHANNEL)
    register_kwh = number(
        "kWh", "the dial as read; null only where quality is `missing`", required=True, null_if_missing=True
    )
    quality = choice(v.QUALITIES, "how the read came about", default=v.DEFAULT_QUALITY)
    fold = fold()


class IntervalReads(dy.Schema):
    """One interval of the load curve (曲线): energy in [interval_start, interval_start + minutes)."""

    meter_id = identifier("the meter read", required=True)
    interval_start = moment("first instant of the interval", required=True)
    minutes = whole("min", "length of the interval; divides a day", required=True)
    kwh = number(
        "kWh", "energy as metered; null only where quality is `missing`", required=True, null_if_missing=True
    )
    channel = choice(v.CHANNELS, "which energy", default=v.DEFAULT_CHANNEL)
    quality = choice(v.QUALITIES, "how the value came about", default=v.DEFAULT_QUALITY)
    fold = fold()


class ElectricalReads(dy.Schema):
    """Voltage, current and power at an instant, per phase where the meter tells them apart."""

    meter_id = identifier("the meter read", required=True)
    read_at = moment("instant of the measurement", required=True)
    phase = choice(v.PHASES, "phase, or N for the neutral")
    voltage_v = number("V", "voltage")
    current_a = number("A", "current")
    power_kw = number("kW", "active power; negative when fed back")


class Installations(dy.Schema):
    """One meter at one position over a span of dates, with what its register needs to be read."""

    meter_id = identifier("the meter", required=True)
    account_id = identifier("the account it bills; empty = an area's supply meter")
    point_id = identifier("metering point of the account", default_from="account_id")
    point_role = choice(v.POINT_ROLES, "how the point counts in the account", default=v.DEFAULT_POINT_ROLE)
    area_id = identifier("the distribution transformer area it hangs on")
    installed_on = day("first day in place", required=True)
    removed_on = day("day of removal; empty = still in place")
    multiplier = number("1", "kWh per kWh on the dial", default=v.DEFAULT_MULTIPLIER)
    register_digits = whole("digits", "dial digits before the point", default=v.DEFAULT_REGISTER_DIGITS)
    register_decimals = whole("digits", "dial digits after the point", default=v.DEFAULT_REGISTER_DECIMALS)
    start_register = number("kWh", "the dial on the day of installation")
    end_register = number("kWh", "the dial on the day of removal")
    rated_volts = number("V", "rated voltage")
    max_amps = number("A", "maximum current")
    phases = whole("phases", "number of phases")
    relay = choice(v.RELAYS, "where the disconnecting relay sits")
    source_multiplier = number("1", "ratio already applied by a source that delivers primary kWh")


class Accounts(dy.Schema):
    """One account (户号): the billed connection at one premise."""

    account_id = identifier("the account", required=True)
    area_id = identifier("the area on file")
    box_id = identifier("the meter box")
    address = words("address")
    name = words("customer's name")
    phone = words("customer's telephone")
    customer_class = choice(v.CUSTOMER_CLASSES, "kind of customer")
    contract_kva = number("kVA", "contracted capacity")
    cycle_id = identifier("billing cycle")
    read_frequency = choice(v.READ_FREQUENCIES, "how often the register is due")
    customer_since = day("day the present customer moved in")
    status = choice(v.ACCOUNT_STATUSES, "state of the account")
    status_since = day("day that state began")
    generation = yes_no("has its own generation")
    sensitive = yes_no("handle with care: life support, complaint, press")
    irregular = yes_no("known to use irregularly")
    price_per_kwh = number("money/kWh", "what one kWh costs this account")


class Areas(dy.Schema):
    """One distribution transformer area (台区)."""

    area_id = identifier("the area", required=True)
    supply_meter_id = identifier("the meter that measures the whole area")
    name = words("name of the area")
    neighbours = words("areas next to it, `;` between")


class Events(dy.Schema):
    """Something the meter or the utility recorded at an instant."""

    meter_id = identifier("the meter", required=True)
    at = moment("when", required=True)
    kind = choice(v.EVENT_KINDS, "what happened", required=True)
    detail = words("for `exchange` the new meter's number")


class Bills(dy.Schema):
    """One bill issued: what was charged for a cycle."""

    account_id = identifier("the account", required=True)
    cycle_start = day("first day billed", required=True)
    cycle_end = day("day after the last day billed", required=True)
    billed_kwh = number("kWh", "energy charged", required=True)
    amount = number("money", "amount charged")
    basis = choice(v.BILL_BASES, "read or estimated")


class Tickets(dy.Schema):
    """One customer ticket (工单)."""

    ticket_id = identifier("the ticket", required=True)
    account_id = identifier("the account it is about", required=True)
    opened_at = moment("when it was opened", required=True)
    kind = choice(v.TICKET_KINDS, "what the customer reports", required=True)
    urges = whole("1", "times the customer asked again")
    related_ticket_id = identifier("an earlier ticket on the same matter")
    text = words("what was written down")


class Outcomes(dy.Schema):
    """What a case turned out to be."""

    case_id = identifier("the case", required=True)
    account_id = identifier("its account", required=True)
    related_account_id = identifier("the other account of a pair")
    cause = identifier("the cause that was checked", required=True)
    result = choice(v.OUTCOME_RESULTS, "what the check found", required=True)
    decided_on = day("day of the decision", required=True)
    valid_until = day("last day the explanation holds")
    note = words("remark")


class Polls(dy.Schema):
    """One power value polled during a remote load-on test."""

    task_id = identifier("the task", required=True)
    meter_id = identifier("the meter polled", required=True)
    at = moment("when", required=True)
    power_kw = number("kW", "active power", required=True)
    step = words("step of the test")


class Weather(dy.Schema):
    """One day's mean temperature."""

    date = day("the day", required=True)
    temperature_c = number("°C", "daily mean temperature", required=True)
    station = identifier("weather station")


class Holidays(dy.Schema):
    """A day that overrides the built-in calendar."""

    date = day("the day", required=True)
    name = words("name of the holiday")
    working = yes_no("a working day in spite of the calendar")


INPUTS: dict[str, type[dy.Schema]] = {
    "register_reads": RegisterReads,
    "interval_reads": IntervalReads,
    "electrical_reads": ElectricalReads,
    "installations": Installations,
    "accounts": Accounts,
    "areas": Areas,
    "events": Events,
    "bills": Bills,
    "tickets": Tickets,
    "outcomes": Outcomes,
    "polls": Polls,
    "weather": Weather,
    "holidays": Holidays,
}
REQUIRED_TABLES = ("register_reads", "installations")
BIG_TABLES = ("register_reads", "interval_reads", "electrical_reads")
"""Tables that are read slice by slice, never whole."""
