#include "hil/judge/prediction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "drivers/faulty_camera.hpp"
#include "hil/judge/replayed.hpp"
#include "hil/judge/theory_lag.hpp"
#include "hil/judge/theory_ring.hpp"
#include "hil/judge/theory_source.hpp"
#include "hil/lag_schedule.hpp"

namespace daohil::hil::judge {
namespace {

// Until a run has measured it: the writer's claim-to-published time w of T7. Copying 115 kB takes
// about 10 us; the depth that T7 gives does not depend on it unless h + w is near a whole period.
constexpr Duration kAssumedCopy = std::chrono::microseconds(50);

enum class Quantity { overwrites, lost, backlog };

std::uint64_t pick(const Totals& totals, Quantity quantity) {
  switch (quantity) {
    case Quantity::overwrites:
      return totals.overwrites;
    case Quantity::lost:
      return totals.lost;
    case Quantity::backlog:
      return totals.backlog;
  }
  return 0;
}

class Predictor {
 public:
  Predictor(const plan::Case& planned, const drivers::CameraDescription& source,
            const plan::ReaderPlan& reader)
      : planned_(planned),
        source_(source),
        reader_(reader),
        lag_(reader, source.rate.period(), planned.seed) {}

  void as_measured(const SourceFacts& bench, const ReaderFacts& reader) {
    bench_ = &bench;
    facts_ = &reader;
  }

  [[nodiscard]] Prediction totals(Quantity quantity) const {
    refuse_other_policies();
    Prediction p = counted(pick(as_planned(), quantity), formula(), inputs());
    if (facts_ != nullptr && !exact()) widen(quantity, p);
    return p;
  }

  // T7 bounds it from above. Below the sharpened form something is lost or torn at some phase.
  [[nodiscard]] Prediction sufficient_depth() const {
    const std::uint64_t least = least_depth(lag_.longest_gap(), held(), copy(), source_.rate);
    const std::uint64_t safe = safe_depth(lag_.longest_gap(), held(), copy(), source_.rate);
    return {.nominal = static_cast<std::int64_t>(safe),
            .low = static_cast<double>(least),
            .high = static_cast<double>(safe),
            .formula = "T7: N >= ceil(g f) + ceil((h + w) f), no less than ceil((g + h + w) f)",
            .inputs = inputs_of_depth()};
  }

  [[nodiscard]] Prediction lossless() const {
    const bool yes =
        planned_.fifo.depth >= least_depth(lag_.longest_gap(), held(), copy(), source_.rate);
    return {.nominal = yes,
            .low = yes ? 1.0 : 0.0,
            .high = yes ? 1.0 : 0.0,
            .formula = "T7: lossless if N >= ceil((g + h + w) f)",
            .inputs = fmt::format("N={} {}", planned_.fifo.depth, inputs_of_depth())};
  }

  [[nodiscard]] Prediction age() const {
    const Duration bound = age_bound(planned_.fifo.depth, source_.rate);
    const Duration measured =
        facts_ == nullptr ? Duration{0} : Duration{facts_->usual_wake + facts_->usual_lateness};
    return at_most(bound, bound + measured, "T5: age < N T (+ eps)",
                   fmt::format("N={} T={} ns", planned_.fifo.depth, source_.rate.period().count()));
  }

  [[nodiscard]] Prediction source_drops() const {
    return counted(drivers::missing_ids(arrivals()),
                   "T9: numbers missing between the first and the last frame that arrives",
                   fmt::format("{} faults, seed {}", camera_faults().size(), planned_.seed));
  }

  [[nodiscard]] Prediction newest_skips() const {
    const auto skips = [&](const Deviation& corner, const Publications& came) {
      return skips_over(lag_, {came.visible, came.published}, presence(), corner);
    };
    const Publications planned = publications();
    Prediction p = counted(skips(nominal(), planned), "T8: W(s_R) - W(s_1) - (R - 1)", inputs());
    if (facts_ == nullptr || exact()) return p;
    for (const Deviation& corner : corners(source_.rate)) {
      const auto n = static_cast<double>(skips(corner, planned));
      p.low = std::min(p.low, n);
      p.high = std::max(p.high, n);
    }
    return p;
  }

  // The largest n of a history that is whole whatever the phase.
  [[nodiscard]] Prediction history_valid() const {
    return counted(safe_history(planned_.fifo.depth, held(), copy(), source_.rate),
                   "T6: n <= N - ceil((h + w) / T)",
                   fmt::format("N={} {}", planned_.fifo.depth, inputs_of_depth()));
  }

  // How long the pixels may be used in place when at most N - 1 frames are unread.
  [[nodiscard]] Prediction hold_budget() const {
    const Duration budget = judge::hold_budget(copy(), source_.rate);
    return at_most(budget, budget, "T6: h < T - w at d <= N - 1", inputs_of_depth());
  }

  // Reads from the first overwrite of a constantly slow reader to the next but for its phase.
  [[nodiscard]] Prediction cycle_length() const {
    const auto cycle =
        next_overwrite({source_.rate, lag_.pace(), {}}, planned_.fifo.depth, lag_.phase());
    if (!lag_.is_constant() || !cycle)
      throw std::invalid_argument(fmt::format(
          "cycle_len is of a constant lag with rho > 1 alone (T3); reader '{}' is not so slow, or "
          "pauses besides",
          reader_.name));
    return counted(cycle->reads, "T3: J = ceil((N - phi) / (rho - 1)), from the start",
                   fmt::format("{} phi T={} ns", inputs(), lag_.phase().count()));
  }

  // From the end of the longest pause to having caught up, at the pace between pauses.
  [[nodiscard]] Prediction recovery() const {
    const auto resync =
        resync_at_most(lag_.longest_gap(), planned_.fifo.depth, lag_.pace(), source_.rate);
    if (!resync || lag_.unread_at(0))
      throw std::invalid_argument(
          fmt::format("recovery is of a reader that takes less than a period between its pauses "
                      "(T4); reader '{}' takes {} ns of {} ns and never catches up",
                      reader_.name, lag_.pace().count(), source_.rate.period().count()));
    // One that was lapped waits for the next frame, a period at most.
    const Duration bound = std::max(resync->time, source_.rate.period());
    return at_most(bound, bound, "T4: at most m p0, or T; m = floor(min(g, N T) / (T - p0)) + 1",
                   fmt::format("{} p0={} ns m={}", inputs(), lag_.pace().count(), resync->reads));
  }

 private:
  [[nodiscard]] static Prediction counted(std::uint64_t n, std::string formula,
                                          std::string inputs) {
    return {.nominal = static_cast<std::int64_t>(n),
            .low = static_cast<double>(n),
            .high = static_cast<double>(n),
            .formula = std::move(formula),
            .inputs = std::move(inputs)};
  }

  [[nodiscard]] static Prediction at_most(Duration bound, Duration high, std::string formula,
                                          std::string inputs) {
    return {.nominal = bound.count(),
            .low = 0,
            .high = static_cast<double>(high.count()),
            .formula = std::move(formula),
            .inputs = std::move(inputs),
            .claim = Claim::upper_bound};
  }

  [[nodiscard]] bool exact() const { return planned_.mode == plan::Mode::virtual_time; }
  // From due to published.
  [[nodiscard]] Duration publication() const {
    return exact() && plan::within_publications(planned_) ? kVirtualPublication : Duration{0};
  }
  [[nodiscard]] Deviation nominal() const { return {.rate = source_.rate}; }
  void refuse_other_policies() const {
    using plan::OnOverwrite;
    if (reader_.on_overwrite == OnOverwrite::oldest || reader_.on_overwrite == OnOverwrite::stop)
      throw std::invalid_argument(fmt::format(
          "reader '{}' does not go on with the newest frame after an overwrite; no prediction is "
          "made for on_overwrite: oldest and stop",
          reader_.name));
  }

  // ---- the source, as planned and as it came --------------------------------------------------

  struct Publications {
    std::vector<std::int64_t> visible, published;
  };
  [[nodiscard]] std::vector<drivers::CameraFault> camera_faults() const {
    std::vector<drivers::CameraFault> faults;
    for (const plan::Fault& fault : planned_.faults)
      if (const auto* camera = std::get_if<drivers::CameraFault>(&fault)) faults.push_back(*camera);
    return faults;
  }
  [[nodiscard]] drivers::RateProfile profile() const {
    return drivers::RateProfile(source_.rate, planned_.source.settings.rate_steps);
  }
  [[nodiscard]] std::vector<drivers::Arrival> arrivals() const {
    return drivers::planned_arrivals(camera_faults(), planned_.seed, planned_.frames, profile(),
                                     planned_.source.settings.on_late);
  }
  [[nodiscard]] bool came() const { return bench_ != nullptr && !bench_->claimed.empty(); }
  // A call finds a frame from its claim on in virtual time, where a publication is not interrupted;
  // in real time when it is complete.
  [[nodiscard]] Publications publications() const {
    if (came()) return {exact() ? bench_->claimed : bench_->published, bench_->published};
    Publications planned;
    Duration last{-1};
    for (const drivers::Arrival& arrival : arrivals()) {
      last = std::max(arrival.at, last + kVirtualStep);
      planned.visible.push_back(last.count());
      planned.published.push_back((last + publication()).count());
    }
    return planned;
  }
  // Calls are made until the last frame of the device is due, or comes.
  [[nodiscard]] Presence presence() const {
    Duration until = profile().offset_of(planned_.frames - 1);
    if (came()) {
      const Duration last{bench_->claimed.back()};
      until = exact() ? std::max(until, last) : last;
    }
    return {.from = reader_.start, .until = until};
  }

  // What really came decides where the source is not steady; else the plan does.
  [[nodiscard]] bool steady() const {
    return lag_.unread_at(0) ||
           (planned_.faults.empty() && planned_.source.settings.rate_steps.empty() &&
            reader_.start.count() == 0 && publication().count() == 0);
  }
  [[nodiscard]] Totals over_publications(const Deviation& deviation) const {
    const Publications all = publications();
    return recursion_over(lag_, planned_.fifo.depth, {all.visible, all.published}, presence(),
                          deviation);
  }
  [[nodiscard]] Totals as_planned() const {
    if (bench_ != nullptr && bench_->claimed.empty() && bench_->frames > 0 && !steady())
      throw std::invalid_argument(
          "a run of so many frames with faults is too long to be predicted; shorten it");
    return steady() ? recursion(lag_, planned_.fifo.depth, planned_.frames, nominal())
                    : over_publications(nominal());
  }
  [[nodiscard]] Totals at_corner(const Deviation& corner, std::uint64_t frames) const {
    return steady() ? recursion(lag_, planned_.fifo.depth, frames, corner)
                    : over_publications(corner);
  }
  // Wake-ups and calls prompt, and as late as usual.
  [[nodiscard]] std::vector<Deviation> corners(Rate rate) const {
    std::vector<Deviation> all;
    for (const std::int64_t wake : {std::int64_t{0}, facts_->usual_wake})
      for (const std::int64_t late : {std::int64_t{0}, facts_->usual_lateness})
        all.push_back(
            {.rate = rate, .wake_latency = Duration{wake}, .call_lateness = Duration{late}});
    return all;
  }

  struct Range {
    double low;
    double high;
    void include(double n) {
      low = std::min(low, n);
      high = std::max(high, n);
    }
    void widen(double by) {
      low = std::max(0.0, low - by);
      high += by;
    }
  };

  void widen(Quantity quantity, Prediction& p) const {
    const Range range = quantity == Quantity::overwrites ? overwrites_as_measured()
                        : quantity == Quantity::lost     ? lost_as_measured()
                                                         : hull(quantity);
    p.low = std::min(p.low, range.low);
    p.high = std::max(p.high, range.high);
  }

  // The recursion over every corner of what was measured: rate low and high, wake-up and calls
  // prompt and as late as usual.
  [[nodiscard]] Range hull(Quantity quantity) const {
    const double error = std::abs(bench_->health.rate_error_ppm) * 1e-6;
    const std::uint64_t frames = std::max<std::uint64_t>(bench_->frames, 1);
    Range range{std::numeric_limits<double>::max(), 0};
    for (const double factor : {1 - error, 1 + error})
      for (const Deviation& corner : corners(Rate::hertz(source_.rate.hertz() * factor)))
        range.include(static_cast<double>(pick(at_corner(corner, frames), quantity)));
    return range;
  }

  // Single calls beyond the usual see at most one frame more, and an overwrite takes N of them; a
  // frame evicted while it was being rewritten moves one overwrite by one read.
  [[nodiscard]] double moved_overwrites() const {
    const std::uint64_t depth = planned_.fifo.depth;
    return static_cast<double>(facts_->evicted + (facts_->outliers + depth - 1) / depth);
  }

  [[nodiscard]] Range lost_as_measured() const {
    Range range = hull(Quantity::lost);
    if (range.high == 0) return range;  // a reader that keeps up is lapped by nothing but a pause
    const double moved = moved_overwrites() * depth();
    range.widen(lag_.never_waits() ? std::min(moved, slip_of_lost()) : moved);
    return range;
  }

  [[nodiscard]] Range overwrites_as_measured() const {
    Range range = hull(Quantity::overwrites);
    if (range.high == 0) return range;
    range.widen(moved_overwrites());
    if (!lag_.never_waits()) return range;
    // T1: each took N frames, N - 1 if evicted, and at most N + a - 2 with a commits in the gap,
    // one more if the call was late.
    const Range lost = lost_as_measured();
    const double most = std::max(depth(), depth() + frames_per_gap() - 2);
    range.low =
        std::max(range.low, std::ceil((lost.low - static_cast<double>(facts_->outliers)) / most));
    range.high = std::min(range.high,
                          std::floor((lost.high + static_cast<double>(facts_->evicted)) / depth()));
    return range;
  }

  // A reader that never waits makes its calls by the clock, so T0 fixes what it loses however the
  // losses are distributed: lost + backlog = frames - calls. The backlog is at most N and the
  // frames of one gap, the calls differ by one at the end, and by one for each wait.
  [[nodiscard]] double slip_of_lost() const {
    return depth() + frames_per_gap() + 1 + static_cast<double>(facts_->wake_latencies.size());
  }

  [[nodiscard]] double depth() const { return planned_.fifo.depth; }
  [[nodiscard]] double frames_per_gap() const {
    const std::int64_t period = source_.rate.period().count();
    return static_cast<double>((lag_.longest_gap().count() + period - 1) / period);
  }
  [[nodiscard]] Duration held() const {
    return reader_.copying == plan::Copying::in_place ? reader_.hold : Duration{0};
  }
  [[nodiscard]] Duration copy() const {
    if (exact()) return publication();
    return bench_ == nullptr ? kAssumedCopy : Duration{bench_->copy_p99};
  }
  [[nodiscard]] std::string formula() const {
    if (lag_.unread_at(0)) return "overwrite iff unread >= N + 1, loses unread - 1";
    for (const plan::Lag& lag : reader_.lag)
      if (std::holds_alternative<plan::PeriodicLag>(lag))
        return "T4: d = floor((g + eps) f); overwrite iff d >= N + 1, loses d - 1";
    const Duration period = source_.rate.period();
    if (lag_.longest_gap() <= period) return "T2: rho <= 1, none";
    if (lag_.longest_gap() <= 2 * period)
      return "T2: X = floor(phi + (R-1)(rho-1)); overwrites = floor(X/N), each loses N";
    return "T3: every J = ceil((N-phi)/(rho-1)) reads one overwrite, losing floor(phi + J(rho-1))";
  }
  [[nodiscard]] std::string inputs() const {
    return fmt::format("N={} f={:.6g} Hz g={} ns rho={:.4g} frames={}", planned_.fifo.depth,
                       source_.rate.hertz(), lag_.longest_gap().count(),
                       static_cast<double>(lag_.longest_gap().count()) /
                           static_cast<double>(source_.rate.period().count()),
                       planned_.frames);
  }
  [[nodiscard]] std::string inputs_of_depth() const {
    return fmt::format("g={} ns h={} ns w={} ns f={:.6g} Hz", lag_.longest_gap().count(),
                       reader_.hold.count(), copy().count(), source_.rate.hertz());
  }

  const plan::Case& planned_;
  const drivers::CameraDescription& source_;
  const plan::ReaderPlan& reader_;
  LagSchedule lag_;
  const SourceFacts* bench_ = nullptr;
  const ReaderFacts* facts_ = nullptr;
};

Prediction of_name(const Predictor& predictor, const drivers::CameraDescription& source,
                   const std::string& name) {
  if (name == "overwrites") return predictor.totals(Quantity::overwrites);
  if (name == "lost") return predictor.totals(Quantity::lost);
  if (name == "backlog") return predictor.totals(Quantity::backlog);
  if (name == "safe_depth") return predictor.sufficient_depth();
  if (name == "lossless") return predictor.lossless();
  if (name == "age_bound") return predictor.age();
  if (name == "source_drops") return predictor.source_drops();
  if (name == "newest_skips") return predictor.newest_skips();
  if (name == "history_valid") return predictor.history_valid();
  if (name == "hold_budget") return predictor.hold_budget();
  if (name == "cycle_len") return predictor.cycle_length();
  if (name == "recovery") return predictor.recovery();
  if (name == "source_sha256")
    return {.nominal = source.sha256,
            .low = 0,
            .high = 0,
            .formula = "sha256 of the recording's pixels, C order, little endian",
            .inputs = source.identity};
  throw std::invalid_argument(fmt::format("unknown prediction '{}'", name));
}

// A claim on the source is predicted from the source alone; any reader does.
const plan::ReaderPlan& known_reader(const plan::Case& planned, const std::string& metric) {
  if (const plan::ReaderPlan* reader = reader_of(planned, metric)) return *reader;
  if (metric.starts_with("source.") && !planned.readers.empty()) return planned.readers.front();
  throw std::invalid_argument(fmt::format("no reader in metric '{}'", metric));
}

}  // namespace

const plan::ReaderPlan* reader_of(const plan::Case& planned, const std::string& metric) {
  for (const plan::ReaderPlan& reader : planned.readers)
    if (metric.starts_with(fmt::format("fifo.{}.{}.", planned.fifo.name, reader.name)))
      return &reader;
  return nullptr;
}

Prediction predict(const plan::Case& planned, const drivers::CameraDescription& source,
                   const std::string& prediction, const std::string& metric) {
  return of_name(Predictor(planned, source, known_reader(planned, metric)), source, prediction);
}

Prediction predict(const plan::Case& planned, const drivers::CameraDescription& source,
                   const std::string& prediction, const std::string& metric,
                   const SourceFacts& bench, const ReaderFacts& reader) {
  Predictor predictor(planned, source, known_reader(planned, metric));
  predictor.as_measured(bench, reader);
  return of_name(predictor, source, prediction);
}

}  // namespace daohil::hil::judge
