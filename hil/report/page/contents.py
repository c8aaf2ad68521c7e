"""What stands on the page: everything the template prints, computed from the evidence."""

from collections import Counter

import numpy as np

import figures
import power
from folder import VERDICTS

MOST_DRAWN = 8        # cases with drawings of their own
MOST_ROWS = 8         # of the table on the first page
MOST_IN_FULL = 40     # cases whose every expectation has a row of its own
FEWEST_CALLS = 20     # of which a distribution is drawn
MOST_NAMES = 4        # of cases, where a reason is given for many
NARROW_SPACE = "\u202f"
SUPERSCRIPT = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")

PROBLEM_TEXT = {"FAIL": "failed", "FLAKY": "flaky", "ERROR": "in error", "ABORTED": "aborted",
                "INCONCLUSIVE": "inconclusive", "MARGINAL": "marginal", "PASS": "passed",
                "SKIP": "skipped"}
MEANING = {
    "PASS": "Everything that was claimed and measured holds.",
    "MARGINAL": "Everything mandatory holds; something advisory does not.",
    "FAIL": "The system under test did what the specification excludes.",
    "FLAKY": "Attempts of the same case disagree.",
    "INCONCLUSIVE": "The bench was not fit to measure; nothing is said of the system under test.",
    "ERROR": "Bench, driver or scenario broke; not everything was measured.",
    "SKIP": "Nothing was run.",
    "ABORTED": "Stopped by the user; what is below is what there was by then."}


def number(value):
    """Digits in groups of three from 10 000 on."""
    return f"{value:,}".replace(",", NARROW_SPACE) if abs(value) >= 10_000 else str(value)


def text_of(value):
    if value is None:
        return "not a number"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def span_text(values):
    """One value, or from where to where."""
    if all(value == values[0] and type(value) is type(values[0]) for value in values):
        return text_of(values[0])
    if all(map(is_number, values)):
        return f"{text_of(min(values))} \u2026 {text_of(max(values))}"
    kinds = sorted({text_of(value) for value in values})
    return ", ".join(kinds) if len(kinds) <= 3 else f"{len(kinds)} different"


def duration_text(seconds):
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def rate_text(rate):
    mantissa, exponent = f"{rate:.1e}".split("e")
    power_of_ten = str(int(exponent)).translate(SUPERSCRIPT)
    return f"{mantissa}{NARROW_SPACE}\u00d7{NARROW_SPACE}10{power_of_ten}"


def interval_text(prediction):
    low, high = prediction.get("low"), prediction.get("high")
    return "" if low == high else f"[{text_of(low)}, {text_of(high)}]"


# ------------------------------------------------------------------------------------------ tables


def measurement_row(case, m):
    prediction = m.get("prediction")
    return {"requirement": ", ".join(map(str, case.requirements)), "id": m["id"],
            "metric": m["metric"], "tier": m["tier"], "observed": text_of(m.get("observed")),
            "limit": limit_of([m]), "verdict": m["verdict"], "why": m.get("why", ""),
            "held": "yes" if m["verdict"] == "PASS" else "no",
            "predicted": text_of(prediction.get("nominal")) if prediction else "",
            "formula": prediction.get("formula", "") if prediction else "",
            "inputs": prediction.get("inputs", "") if prediction else ""}


def limit_of(measurements):
    """Of the same expectation in one case or many."""
    if measurements[0].get("prediction"):
        intervals = {interval_text(m["prediction"]) for m in measurements if m.get("prediction")}
        if intervals == {""}:
            return "= predicted"
        return intervals.pop() if len(intervals) == 1 else "each in its interval"
    limits = sorted({m["limit"] for m in measurements})
    return limits[0] if len(limits) == 1 else f"{len(limits)} limits"


def merged_rows(cases):
    """One row per expectation, over all cases of a group that measured it."""
    order = list(dict.fromkeys(m["id"] for case in cases for m in case.measurements))
    rows = []
    for name in order:
        pairs = [(c, m) for c in cases for m in c.measurements if m["id"] == name]
        case, worst = max(pairs, key=lambda pair: _rank(pair[1]["verdict"]))
        row = measurement_row(case, worst)
        if len(pairs) > 1:
            held = sum(m["verdict"] == "PASS" for _, m in pairs)
            row["observed"] = span_text([m.get("observed") for _, m in pairs])
            row["limit"] = limit_of([m for _, m in pairs])
            if worst.get("prediction"):
                row["predicted"] = span_text([m["prediction"].get("nominal") for _, m in pairs
                                              if m.get("prediction")])
            row["inputs"] = ""
            # One quantity may follow from one theorem here and from another there.
            row["formula"] = "\n".join(dict.fromkeys(
                m["prediction"].get("formula", "") for _, m in pairs if m.get("prediction")))
            row["held"] = "all" if held == len(pairs) else f"{held} of {len(pairs)}"
        rows.append(row)
    return rows


def _rank(verdict):
    return VERDICTS.index(verdict)


def key_row(rows):
    """The row that says most: what went wrong, else what theory had to hit."""
    wrong = [row for row in rows if row["verdict"] != "PASS"]
    if wrong:
        return max(wrong, key=lambda row: _rank(row["verdict"]))
    return next((row for row in rows if row["formula"]), rows[0])


def group_of(cases):
    worst = max(cases, key=lambda case: case.rank)
    rows = merged_rows(cases)
    varying = [row["id"] for row in rows if len(
        {text_of(m.get("observed")) for c in cases for m in c.measurements
         if m["id"] == row["id"]}) > 1]
    listing = []
    for case in cases:
        measured = {m["id"]: m for m in case.measurements}
        cells = []
        for name in varying:
            m = measured.get(name)
            wrong = m is not None and m["verdict"] != "PASS"
            cells.append({"observed": text_of(m.get("observed")) if m else "\u2013",
                          "wrong": wrong,
                          "predicted": _short_prediction(m) if m else ""})
        listing.append({"case": case, "label": _label(case), "cells": cells})
    key = cases[0].id.rpartition("@")[0] if cases[0].is_sweep else cases[0].scenario
    return {"id": cases[0].group_id, "key": key, "title": cases[0].title, "cases": cases, "worst": worst,
            "requirements": ", ".join(map(str, cases[0].requirements)), "rows": rows,
            "mode": cases[0].mode, "columns": varying, "listing": listing,
            "counts": Counter(case.verdict for case in cases),
            "frames": sum(case.frames for case in cases)}


def _short_prediction(m):
    prediction = m.get("prediction")
    if not prediction:
        return ""
    if prediction.get("nominal") == m.get("observed") and not interval_text(prediction):
        return "="
    return interval_text(prediction) or text_of(prediction.get("nominal"))


def _label(case):
    """What tells a case from the others of its scenario."""
    label = ", ".join(f"{name} = {value}" for name, value in case.data.get("variables", {}).items())
    return label or case.id


def groups_of(run, key):
    members = {}
    for case in run.results:
        members.setdefault(key(case), []).append(case)
    return [group_of(cases) for cases in members.values()]


def summary_rows(run):
    """One row a scenario, whatever its benches; worst first, else in the order of running. What was
    skipped is said elsewhere."""
    groups = groups_of(run, lambda case: case.id.rpartition("@")[0] if case.is_sweep
                       else case.scenario)
    ran = [g for g in groups if g["worst"].verdict != "SKIP"]
    ran.sort(key=lambda g: -g["worst"].rank)
    rows = []
    for group in ran[:MOST_ROWS]:
        worst = group["worst"]
        measured = [case for case in group["cases"] if case.verdict != "SKIP"]
        row = {"id": group["key"], "requirements": group["requirements"],
               "verdict": worst.verdict, "cases": len(measured), "why": "",
               "benches": sorted({case.bench for case in measured})}
        key = key_row(group["rows"]) if group["rows"] else None
        if key is None or (
                worst.verdict != "PASS" and (key["verdict"] == "PASS"
                                             or worst.health.get("unfit"))):
            row["why"] = worst.why  # which is of no single number
        rows.append({**(key or {}), **row})
    left = ran[MOST_ROWS:]
    return rows, Counter(g["worst"].verdict for g in left)


# ----------------------------------------------------------------------------------------- figures


def _shown(case):
    return case.has_trace() and not case.is_sweep


def drawn_cases(run):
    """Not PASS first, the worst before the others; then the first of each scenario on each bench,
    those in real time before those in virtual time."""
    bad = sorted((c for c in run.results if _shown(c) and c.verdict not in ("PASS", "SKIP")),
                 key=lambda c: -c.rank)
    first = {}
    for case in run.results:
        if _shown(case) and case.verdict == "PASS":
            first.setdefault(case.group_id, case)
    rest = sorted(first.values(), key=lambda c: not c.real_time)
    return (bad + rest)[:MOST_DRAWN], len(bad) + len(rest)


def _period_us(case):
    return 1e6 / case.source["rate_hz"] if case.source else None


def _quantile_lines(label, values):
    """Numbers beside a latency curve, each with its bound, as far as n carries them."""
    line = {"label": label, "n": number(len(values)), "max": f"{values[-1]:.4g}",
            "median": f"{power.quantile(values, 0.5):.4g}", "quantiles": []}
    for p, name in figures.QUANTILES:
        needed = power.frames_needed(p)
        if len(values) < needed:
            line["quantiles"].append({"name": name, "needed": number(needed)})
        else:
            line["quantiles"].append({
                "name": name, "value": f"{power.quantile(values, p):.4g}",
                "bound": f"{power.quantile_bound(values, p):.4g}"})
    return line


def case_figure(case):
    trace = case.trace()
    if len(trace.source) == 0:
        return None
    latency, interval = [], []
    if case.real_time:
        for name, calls in list(trace.readers.items())[:figures.MOST_LINES]:
            values = figures.latencies(trace.source, calls)
            if len(values) >= FEWEST_CALLS:
                latency.append((name, values))
        if _period_us(case) and len(trace.source) > 1:
            interval = [("wfs" if case.source is None else case.bench,
                         figures.intervals(trace.source), _period_us(case))]
    left_out = list(trace.readers)[figures.MOST_LINES:]
    for name in left_out:
        del trace.readers[name]
    return {"case": case, "label": case.id,
            "svg": figures.three(latency, interval, trace, case.depth, "Backlog and loss"),
            "quantiles": [_quantile_lines(name, values) for name, values in latency],
            "left_out": left_out}


def bench_figure(run, featured):
    """Latency and interval of everything run in real time on a bench that was fit, by bench;
    timeline of one case."""
    latency, interval = {}, {}
    for case in run.results:
        if not case.real_time or not _shown(case) or case.health.get("unfit"):
            continue
        trace = case.trace()
        for calls in trace.readers.values():
            latency.setdefault(case.bench, []).append(figures.latencies(trace.source, calls))
        if _period_us(case):
            # Cases of one bench may have several rates.
            rates = interval.setdefault(case.bench, [])
            rates.append(figures.intervals(trace.source) - _period_us(case))
    latency = [(name, np.sort(np.concatenate(parts))) for name, parts in latency.items()]
    latency = [(name, values) for name, values in latency
               if len(values) >= FEWEST_CALLS][:figures.MOST_LINES]
    interval = [(name, np.concatenate(parts), 0.0) for name, parts in interval.items()]
    interval = [(name, values, zero) for name, values, zero in interval if len(values)]
    trace = featured.trace()
    for name in list(trace.readers)[figures.MOST_LINES:]:
        del trace.readers[name]
    return {"svg": figures.three(latency, interval[:figures.MOST_LINES], trace, featured.depth,
                                 "Backlog and loss, one case"),
            "case": featured, "quantiles": [_quantile_lines(*line) for line in latency]}


# -------------------------------------------------------------------------------------- statistics


def _bound_line(what, k, n, of_what):
    if k == 0:
        claim = f"a rate above {rate_text(3 / n)} is excluded (95 %, 3/n)"
    else:
        claim = (f"rate {rate_text(k / n)}, at most {rate_text(power.rate_bound(k, n))} "
                 "(95 %, Clopper-Pearson)")
    return {"what": what, "n": number(n), "k": number(k), "of": of_what, "claim": claim}


def _metric(case, name):
    value = case.metrics.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _claims_no_loss(m):
    """Does theory or the scenario say that this reader loses nothing?"""
    last = m["metric"].rpartition(".")[2]
    nominal = m["prediction"].get("nominal") if m.get("prediction") else None
    if last == "lost":
        return nominal == 0 if m.get("prediction") else m["limit"] in ("= 0", "<= 0")
    if last == "lossless":
        return nominal is True if m.get("prediction") else m["limit"] == "= true"
    return False


def power_lines(run):
    """What the run can claim of things that never happened, in real time. In virtual time nothing
    is left to chance, so that there is nothing to bound."""
    good = bad = calls = refused = passed = lost = 0
    for case in run.results:
        if not case.real_time:
            continue
        for name in case.metrics:
            if name.endswith(".content_good"):
                good += _metric(case, name)
            elif name.endswith(".content_bad"):
                bad += _metric(case, name)
        readers = {m["metric"].rpartition(".oracle.violations")[0] for m in case.measurements
                   if m["metric"].endswith(".oracle.violations")}
        for reader in readers:
            calls += _metric(case, f"{reader}.calls")
            refused += _metric(case, f"{reader}.oracle.violations")
        readers = {m["metric"].rpartition(".")[0] for m in case.measurements if _claims_no_loss(m)}
        for reader in readers:
            passed += _metric(case, f"{reader}.delivered") + _metric(case, f"{reader}.lost")
            lost += _metric(case, f"{reader}.lost")
    lines = []
    if good + bad:
        lines.append(_bound_line("torn, wrong or mixed frames", bad, good + bad,
                                 "frames delivered that prove their content"))
    if calls:
        lines.append(_bound_line("answers that no published frame allows", refused, calls,
                                 "calls checked one by one"))
    if passed:
        lines.append(_bound_line("frames lost", lost, passed,
                                 "frames passed to readers that theory says lose none"))
    return lines


def not_tested(run):
    """Reasons, each with the cases it kept from being tested."""
    reasons = {}
    for case in run.results:
        if case.verdict in ("SKIP", "INCONCLUSIVE", "ABORTED", "ERROR"):
            reasons.setdefault((case.verdict, case.why or "no reason given"), []).append(case.id)
    lines = [{"verdict": verdict, "why": why, "cases": ids[:MOST_NAMES],
              "more": max(len(ids) - MOST_NAMES, 0)}
             for (verdict, why), ids in reasons.items()]
    lines.sort(key=lambda line: -_rank(line["verdict"]))
    general = []
    if not any(case.real_time and case.verdict != "SKIP" for case in run.results):
        general.append("Real time: every case ran under a virtual clock, which proves the logic "
                       "and says nothing of latency, scheduling or load.")
    models = sorted({case.source["model"] for case in run.results if case.source})
    if models:
        general.append(f"Devices: the frames came from {', '.join(models)}; nothing is said of a "
                       "camera that is not named here.")
    return lines, general


def attempts_of(run):
    """Cases that were run more than once, with what each attempt gave."""
    tries = {}
    for case in run.cases:
        tries.setdefault(case.id, []).append(case)
    return [{"id": name, "attempts": cases} for name, cases in tries.items() if len(cases) > 1]


def sources_of(run):
    sources = {}
    for case in run.results:
        if case.source is None or case.is_sweep:
            continue
        s = case.source
        key = (case.bench, s["model"], s["identity"], s["shape"], s["dtype"], s["rate_hz"])
        sources.setdefault(key, s)
    return [{"bench": key[0], "model": key[1], "identity": key[2], "sha256": s.get("sha256", ""),
             "format": f"{key[3].replace('x', ' x ').replace('  ', ' ')} {key[4]}",
             "rate": f"{key[5]:g} Hz"} for key, s in sources.items()]


def scheduling_of(run):
    kinds = Counter(case.health.get("scheduling", "unknown") for case in run.results
                    if case.real_time and case.verdict not in ("SKIP", "ABORTED"))
    return ", ".join(f"{kind} ({n} cases)" if len(kinds) > 1 else kind
                     for kind, n in kinds.items()) or "virtual clock"


def counts_text(run):
    counts = Counter(case.verdict for case in run.results)
    parts = [f"{number(n)} {PROBLEM_TEXT[verdict]}" for verdict, n in
             sorted(counts.items(), key=lambda item: -_rank(item[0]))]
    return " \u00b7 ".join(parts)


def contents_of(run):
    groups = groups_of(run, lambda case: case.group_id)
    rows, more_rows = summary_rows(run)
    drawn, drawable = drawn_cases(run)
    drawings = [figure for figure in map(case_figure, drawn) if figure]
    bad = [case for case in run.cases if case.verdict not in ("PASS", "SKIP")]
    bad.sort(key=lambda case: -case.rank)
    untested, general = not_tested(run)
    benches = sorted({case.bench for case in run.results})
    return {
        "run": run, "data": run.data, "verdict": run.data["verdict"],
        "meaning": MEANING[run.data["verdict"]], "counts": counts_text(run),
        "elapsed": duration_text(run.data["elapsed_s"]), "benches": benches,
        "sources": sources_of(run), "scheduling": scheduling_of(run),
        "rows": rows, "more_rows": more_rows, "groups": groups,
        "overview": bench_figure(run, drawings[0]["case"]) if drawings else None,
        "drawings": drawings, "drawable": drawable, "most_drawn": MOST_DRAWN,
        "power": power_lines(run), "untested": untested, "general": general,
        "attempts": attempts_of(run), "bad": bad[:MOST_IN_FULL], "bad_left": bad[MOST_IN_FULL:],
        "measurement_row": measurement_row, "number": number, "duration_text": duration_text,
        "virtual": sum(not c.real_time and c.verdict != "SKIP" and not c.is_sweep
                       for c in run.results),
        "real": sum(c.real_time and c.verdict not in ("SKIP", "ERROR") for c in run.results)}
