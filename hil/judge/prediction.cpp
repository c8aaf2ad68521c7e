#include "hil/judge/prediction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "drivers/faulty_camera.hpp"
#include "hil/judge/replayed.hpp"
#include "hil/judge/theory.hpp"
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
    const bool exact = planned_.mode == plan::Mode::virtual_time;
    const Deviation nominal{.rate = source_.rate,
                            .wake_latency = exact ? kVirtualPublication : Duration{0}};
    const std::uint64_t n = pick(as_planned(nominal), quantity);
    Prediction p{.nominal = static_cast<std::int64_t>(n),
                 .low = static_cast<double>(n),
                 .high = static_cast<double>(n),
                 .formula = formula(),
                 .inputs = inputs()};
    if (facts_ != nullptr && !exact) widen(quantity, p);
    return p;
  }

  [[nodiscard]] Prediction sufficient_depth() const {
    const std::uint64_t n = safe();
    return {.nominal = static_cast<std::int64_t>(n),
            .low = static_cast<double>(n),
            .high = static_cast<double>(n),
            .formula = "T7: N >= ceil(g f) + ceil((h + w) f)",
            .inputs = inputs_of_depth()};
  }

  [[nodiscard]] Prediction lossless() const {
    const bool yes = planned_.fifo.depth >= safe();
    return {.nominal = yes,
            .low = yes ? 1.0 : 0.0,
            .high = yes ? 1.0 : 0.0,
            .formula = "T7: lossless if N >= ceil(g f) + ceil((h + w) f)",
            .inputs = fmt::format("N={} {}", planned_.fifo.depth, inputs_of_depth())};
  }

  [[nodiscard]] Prediction age() const {
    const Duration bound = age_bound(planned_.fifo.depth, source_.rate);
    const Duration measured =
        facts_ == nullptr ? Duration{0} : Duration{facts_->usual_wake + facts_->usual_lateness};
    return {
        .nominal = bound.count(),
        .low = 0,
        .high = static_cast<double>((bound + measured).count()),
        .formula = "T5: age < N T (+ eps)",
        .inputs = fmt::format("N={} T={} ns", planned_.fifo.depth, source_.rate.period().count()),
        .claim = Claim::upper_bound};
  }

  [[nodiscard]] Prediction source_drops() const {
    std::vector<drivers::CameraFault> faults;
    for (const plan::Fault& fault : planned_.faults)
      if (const auto* camera = std::get_if<drivers::CameraFault>(&fault)) faults.push_back(*camera);
    const std::uint64_t n = drivers::frames_taken_away(
        faults, planned_.seed, planned_.frames,
        drivers::RateProfile(source_.rate, planned_.source.settings.rate_steps));
    return counted(n, "T9: the frames that the faults take away",
                   fmt::format("{} faults, seed {}", faults.size(), planned_.seed));
  }

  [[nodiscard]] Prediction newest_skips() const {
    std::vector<std::int64_t> due;
    std::vector<std::int64_t> published;
    const bool came = bench_ != nullptr && !bench_->due.empty();
    const drivers::RateProfile rate(source_.rate, planned_.source.settings.rate_steps);
    for (std::uint64_t k = 0; !came && k < planned_.frames; ++k) {
      due.push_back(rate.offset_of(k).count());
      published.push_back(due.back() + kVirtualPublication.count());
    }
    const bool exact = planned_.mode == plan::Mode::virtual_time;
    const auto& visible = came ? (exact ? bench_->due : bench_->published) : due;
    const auto& complete = came ? bench_->published : published;
    const auto skips = [&](Duration wake, Duration late) {
      const Deviation corner{.rate = source_.rate, .wake_latency = wake, .call_lateness = late};
      return skips_over(
          lag_, visible, complete, reader_.start, corner,
          reader_.on_empty == plan::OnEmpty::wait ? Waits::for_a_newer_frame : Waits::never);
    };
    Prediction p =
        counted(skips(Duration{0}, Duration{0}), "T8: W(s_R) - W(s_1) - (R - 1)", inputs());
    if (facts_ != nullptr && !exact) {
      const Duration wake{facts_->usual_wake};
      const Duration late{facts_->usual_lateness};
      for (const auto n : {skips(wake, Duration{0}), skips(Duration{0}, late), skips(wake, late)}) {
        p.low = std::min(p.low, static_cast<double>(n));
        p.high = std::max(p.high, static_cast<double>(n));
      }
    }
    return p;
  }

  // The largest n of a history that is whole whatever the phase (T6).
  [[nodiscard]] Prediction history_valid() const {
    const std::uint64_t depth = planned_.fifo.depth;
    const auto used =
        static_cast<std::uint64_t>(std::ceil(static_cast<double>((reader_.hold + copy()).count()) /
                                             static_cast<double>(source_.rate.period().count())));
    return counted(depth > used ? depth - used : 0, "T6: n <= N - ceil((h + w) / T)",
                   inputs_of_depth());
  }

  // How long the pixels may be used in place when at most N - 1 frames are unread (T6).
  [[nodiscard]] Prediction hold_budget() const {
    const Duration budget = source_.rate.period() - copy();
    const std::int64_t ns = std::max<std::int64_t>(budget.count(), 0);
    return {.nominal = ns,
            .low = static_cast<double>(ns),
            .high = static_cast<double>(ns),
            .formula = "T6: h < T - w at d <= N - 1",
            .inputs = inputs_of_depth(),
            .claim = Claim::upper_bound};
  }

  // Reads from one overwrite of a constantly slow reader to the next (T3).
  [[nodiscard]] Prediction cycle_length() const {
    const double rho = static_cast<double>(lag_.longest_gap().count()) /
                       static_cast<double>(source_.rate.period().count());
    const double n = rho > 1 ? std::ceil(planned_.fifo.depth / (rho - 1)) : 0;
    return counted(static_cast<std::uint64_t>(n), "T3: J = ceil(N / (rho - 1)), phi = 0", inputs());
  }

  // From the end of the longest stall to having caught up, at the pace between stalls (T4).
  [[nodiscard]] Prediction recovery() const {
    const std::int64_t period = source_.rate.period().count();
    const std::uint64_t found =
        unread_after_stall(lag_.longest_gap(), kVirtualPublication, source_.rate);
    const std::uint64_t left = found <= planned_.fifo.depth ? found : 1;
    const std::int64_t pace = lag_.gap_after(1).count();
    const double rho = static_cast<double>(pace) / static_cast<double>(period);
    const double reads = rho < 1 ? std::floor(static_cast<double>(left) / (1 - rho)) + 1 : 0;
    const auto ns = static_cast<std::int64_t>(reads * static_cast<double>(pace));
    return {.nominal = ns,
            .low = 0,
            .high = static_cast<double>(ns),
            .formula = "T4: at most floor(d' / (1 - rho0)) + 1 reads of p0",
            .inputs = inputs(),
            .claim = Claim::upper_bound};
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

  // What really came decides where faults change it; else the plan does.
  [[nodiscard]] bool over_what_came() const {
    return bench_ != nullptr && !bench_->due.empty() && !lag_.unread_at(0) &&
           (!planned_.faults.empty() || !planned_.source.settings.rate_steps.empty() ||
            reader_.start.count() > 0);
  }
  [[nodiscard]] Totals as_planned(const Deviation& nominal) const {
    if (bench_ != nullptr && bench_->due.empty() && bench_->frames > 0 && !planned_.faults.empty())
      throw std::invalid_argument(
          "a run of so many frames with faults is too long to be predicted; shorten it");
    if (!over_what_came()) return recursion(lag_, planned_.fifo.depth, planned_.frames, nominal);
    const Deviation prompt{.rate = nominal.rate};
    return recursion_over(lag_, planned_.fifo.depth, bench_->due, bench_->published, reader_.start,
                          prompt);
  }
  [[nodiscard]] Totals at_corner(const Deviation& corner, std::uint64_t frames) const {
    if (!over_what_came()) return recursion(lag_, planned_.fifo.depth, frames, corner);
    // Real publications are seen when they are complete.
    return recursion_over(lag_, planned_.fifo.depth, bench_->published, bench_->published,
                          reader_.start, corner);
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
      for (const std::int64_t wake : {std::int64_t{0}, facts_->usual_wake})
        for (const std::int64_t late : {std::int64_t{0}, facts_->usual_lateness}) {
          const Deviation corner{.rate = Rate::hertz(source_.rate.hertz() * factor),
                                 .wake_latency = Duration{wake},
                                 .call_lateness = Duration{late}};
          range.include(static_cast<double>(pick(at_corner(corner, frames), quantity)));
        }
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
  [[nodiscard]] std::uint64_t safe() const {
    return safe_depth(lag_.longest_gap(), reader_.hold, copy(), source_.rate);
  }
  [[nodiscard]] Duration copy() const {
    return bench_ == nullptr || planned_.mode == plan::Mode::virtual_time
               ? kAssumedCopy
               : Duration{bench_->copy_p99};
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
