"""What a trace looks like: drawings as SVG text, for a page that needs nothing else."""

import io
import logging
import re

# Said of homes that cannot be written and fonts that are missing: neither matters here.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

import matplotlib  # noqa: E402

matplotlib.use("svg")
from matplotlib import pyplot, ticker  # noqa: E402  (the backend comes first)
import numpy as np  # noqa: E402

import power  # noqa: E402
from folder import OVERWRITE, SUCCESS  # noqa: E402

INK, QUIET = "#1d2733", "#8792a0"
COLOURS = ["#2b5f94", "#c46f1e", "#2d8577", "#7a4f9c"]
MOST_LINES = len(COLOURS)
WIDTH = 7.15  # inches: what A4 leaves between its margins
QUANTILES = [(0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")]
TIME_BINS = 360

matplotlib.rcParams.update({
    # Text stays text: the page's own font, and a tenth of the size of outlines.
    "svg.fonttype": "none", "svg.hashsalt": "dao-hil",
    "font.size": 7, "axes.labelsize": 7, "axes.titlesize": 7.5, "axes.titleweight": "bold",
    "xtick.labelsize": 6.5, "ytick.labelsize": 6.5, "legend.fontsize": 6.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": QUIET,
    "axes.linewidth": 0.6, "xtick.color": QUIET, "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.labelcolor": INK, "text.color": INK,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
    "ytick.major.size": 2.5, "xtick.minor.size": 1.5, "ytick.minor.size": 1.5,
    "axes.titlelocation": "left", "axes.titlepad": 5, "legend.frameon": False,
    "legend.handlelength": 1.2, "legend.borderaxespad": 0.2, "lines.linewidth": 1.1,
    "path.simplify_threshold": 0.5})


def latencies(source, calls):
    """Published to call, of calls that had waited for their frame; us, sorted."""
    waited = calls[(calls["waited"] != 0) & has_frame(calls)]
    at = waited["counter"].astype(np.int64) - 1
    known = (at >= 0) & (at < len(source))
    if not known.any():
        return np.empty(0)
    late = waited["before"][known] - source["published"][at[known]]
    return np.sort(np.maximum(late, 0)) / 1e3


def intervals(source):
    """Between two publications; us."""
    return np.diff(source["published"]) / 1e3


def has_frame(calls):
    return (calls["status"] == SUCCESS) | (calls["status"] == OVERWRITE)


def losses(calls):
    """(time of call, frames skipped over) from the counters delivered, as the judge counts them."""
    delivered = calls[has_frame(calls)]
    counters = delivered["counter"].astype(np.int64)
    if len(counters) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    jumps = np.diff(counters, prepend=counters[0] - 1) - 1
    return delivered["after"], np.maximum(jumps, 0)


def backlogs(source, calls):
    """(time of call, frames published but not yet delivered) at the beginning of each call."""
    good = has_frame(calls)
    tails = np.where(good, calls["counter"].astype(np.int64), 0)
    tails = np.concatenate([[0], np.maximum.accumulate(tails)[:-1]]) if len(calls) else tails
    if good.any():  # until its first frame a reader owes nothing
        first = int(np.argmax(good))
        tails[:first + 1] = int(calls["counter"][first]) - 1
    newest = np.searchsorted(source["published"], calls["before"], "right")
    return calls["before"], np.maximum(newest - tails, 0)


def draw_latency(axes, sets):
    """Complementary distribution of [(label, sorted us)]; quantiles only as far as n carries."""
    axes.set_title("Wake-up latency")
    axes.set_xlabel("published to call, longer than (\u00b5s)")
    axes.set_ylabel("share of calls")
    axes.set_xscale("log")
    axes.set_yscale("log")
    most, low, high = 1, np.inf, 0.0
    for (label, values), colour in zip(sets, COLOURS):
        n = len(values)
        # A clock that ticks in ns may show 0, which a logarithm cannot.
        values = np.maximum(values, 1e-3)
        ranks = np.unique(np.concatenate([np.geomspace(1, n, 300).astype(int), [n]]))
        axes.plot(values[n - ranks], ranks / n, color=colour, label=label, drawstyle="steps-post")
        most, high = max(most, n), max(high, values[-1])
        # The few calls that met their frame head-on need no decades of their own.
        low = min(low, max(values[0], values[n // 2] / 50))
    axes.set_ylim(0.5 / most, 1.5)
    axes.set_xlim(low * 0.8, high * 1.6)
    for p, name in QUANTILES:
        if most < power.frames_needed(p):
            continue
        axes.axhline(1 - p, color=QUIET, linewidth=0.6, linestyle=(0, (3, 2)))
        axes.annotate(name, (1, 1 - p), xycoords=("axes fraction", "data"), fontsize=6.5,
                      color=QUIET, ha="right", va="bottom", xytext=(0, 1),
                      textcoords="offset points")
    axes.legend(loc="lower left")


def draw_intervals(axes, sets):
    """Histogram of [(label, us, period us)], as the distance from the period."""
    axes.set_title("Frame interval")
    axes.set_xlabel("off the nominal period (\u00b5s)")
    axes.set_ylabel("intervals")
    axes.set_yscale("log")
    off = [values - period for _, values, period in sets]
    everything = np.abs(np.concatenate(off)) if off else np.zeros(1)
    # One pause of the host must not flatten the rest into a single bar.
    reach = max(float(np.quantile(everything, 0.998)) * 1.15, 0.5)
    edges = np.linspace(-reach, reach, 72)
    beyond = int((everything > reach).sum())
    for (label, _, _), values, colour in zip(sets, off, COLOURS):
        counts, _ = np.histogram(values, edges)
        axes.stairs(counts, edges, color=colour, label=label, linewidth=0.9)
        axes.stairs(counts, edges, color=colour, fill=True, alpha=0.18)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0.7, axes.get_ylim()[1] * 12)  # room for the legend
    axes.axvline(0, ymax=0.86, color=QUIET, linewidth=0.6, linestyle=(0, (3, 2)))
    if beyond:
        axes.annotate(f"{beyond} beyond, worst {everything.max():.4g}", (1, 1),
                      xycoords="axes fraction", ha="right", va="top", fontsize=6.5, color=QUIET)
    axes.legend(loc="upper left")


def draw_timeline(upper, lower, trace, depth, title):
    upper.set_title(title)
    begin = min([trace.source["due"][0]] + [c["before"][0] for c in trace.readers.values()
                                            if len(c)])
    end = max([trace.source["published"][-1]] + [c["after"][-1] for c in trace.readers.values()
                                                 if len(c)])
    edges = np.linspace(0, max(end - begin, 1) / 1e9, TIME_BINS + 1)
    lost_any = 0
    for (name, calls), colour in zip(trace.readers.items(), COLOURS):
        at, unread = backlogs(trace.source, calls)
        bins = np.clip(np.searchsorted(edges, (at - begin) / 1e9, "right") - 1, 0, TIME_BINS - 1)
        top = np.full(TIME_BINS, -1.0)
        np.maximum.at(top, bins, unread)
        seen = top >= 0
        centres = (edges[:-1] + edges[1:]) / 2
        upper.plot(centres[seen], top[seen], color=colour, label=name, linewidth=0.9)
        at, lost = losses(calls)
        counts, _ = np.histogram((at - begin) / 1e9, edges, weights=lost)
        lost_any += int(lost.sum())
        lower.stairs(counts, edges, color=colour, linewidth=0.8)
        lower.stairs(counts, edges, color=colour, fill=True, alpha=0.25)
    upper.axhline(depth, color=QUIET, linewidth=0.6, linestyle=(0, (3, 2)))
    upper.annotate(f"N = {depth}", (1, depth), xycoords=("axes fraction", "data"), fontsize=6.5,
                   color=INK, ha="right", va="bottom", xytext=(0, 1),
                   textcoords="offset points",
                   bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8})
    upper.set_ylabel("unread")
    upper.set_ylim(0, max(upper.get_ylim()[1], depth) * 1.25)
    upper.tick_params(labelbottom=False)
    lower.set_ylabel("lost")
    lower.set_xlabel("time (s)")
    lower.set_ylim(0, None if lost_any else 1)
    if not lost_any:
        lower.set_yticks([0])
        lower.annotate("nothing lost", (0.5, 0.5), xycoords="axes fraction", ha="center",
                       va="center", color=QUIET, fontsize=6.5)
    for axes in (upper, lower):
        axes.set_xlim(edges[0], edges[-1])
        axes.yaxis.set_major_locator(ticker.MaxNLocator(3, integer=True))
    if len(trace.readers) > 1:
        upper.legend(loc="lower right", bbox_to_anchor=(1.01, 0.98), ncol=MOST_LINES,
                     columnspacing=0.8, handletextpad=0.4)


def svg_of(figure, description):
    text = io.StringIO()
    # No date: the same evidence gives the same page, to the byte.
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    svg = text.getvalue()
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Names of groups, which nothing refers to, would be there once per drawing.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{description}" ', 1)


def three(latency_sets, interval_sets, trace, depth, title):
    """Latency, interval and timeline side by side; without the first two where time is virtual."""
    if not latency_sets and not interval_sets:
        figure = pyplot.figure(figsize=(WIDTH, 1.5))
        grid = figure.add_gridspec(2, 1, left=0.07, right=0.99, top=0.86, bottom=0.24, hspace=0.3,
                                   height_ratios=[3, 2])
        draw_timeline(figure.add_subplot(grid[0]), figure.add_subplot(grid[1]), trace, depth, title)
        return svg_of(figure, "Timeline of backlog and loss")
    figure = pyplot.figure(figsize=(WIDTH, 2.1))
    grid = figure.add_gridspec(2, 3, left=0.065, right=0.99, top=0.9, bottom=0.18, wspace=0.3,
                               hspace=0.22, height_ratios=[3, 2])
    left = figure.add_subplot(grid[:, 0])
    if latency_sets:
        draw_latency(left, latency_sets)
    else:
        left.set_axis_off()
        left.annotate("hardly a call waited for its frame:\nno latency to show", (0.5, 0.5),
                      xycoords="axes fraction", ha="center", va="center", color=QUIET)
    draw_intervals(figure.add_subplot(grid[:, 1]), interval_sets)
    draw_timeline(figure.add_subplot(grid[0, 2]), figure.add_subplot(grid[1, 2]), trace, depth,
                  title)
    return svg_of(figure, "Latency, frame interval, timeline of backlog and loss")
