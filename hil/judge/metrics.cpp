#include "hil/judge/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace daohil::hil::judge {
namespace {

using shm::ReadStatus;

// House limits of a fit bench, not taken from any observatory: the source must have held its rate
// to one percent, frames skipped included; beyond that a result speaks of the bench and not of
// the reader.
constexpr double kRateLimitPpm = 10'000;
constexpr double kLateLimit = 0.02;

bool has_frame(const CallEvent& call) {
  return call.status == ReadStatus::success || call.status == ReadStatus::overwrite;
}

std::int64_t quantile(std::vector<std::int64_t> values, double q) {
  if (values.empty()) return 0;
  const auto n = static_cast<double>(values.size());
  const auto rank = static_cast<std::size_t>(std::max(std::ceil(q * n) - 1, 0.0));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Contiguous counters make an index of them: frame k stands at position k - 1.
const SourceEvent* event_of(const std::vector<SourceEvent>& events, std::uint64_t counter) {
  if (counter < 1 || counter > events.size()) return nullptr;
  return &events[counter - 1];
}

void count_call(const CallEvent& call, std::uint32_t depth, std::uint64_t previous,
                ReaderFacts& facts) {
  if (call.status == ReadStatus::torn || call.content == Content::discarded) facts.torn += 1;
  if (call.content == Content::good) facts.content_good += 1;
  if (call.content == Content::torn || call.content == Content::wrong_frame) facts.content_bad += 1;
  if (!has_frame(call)) return;
  facts.delivered += 1;
  if (call.counter < previous) facts.backward += 1;
  if (call.counter == previous) facts.duplicates += 1;
  if (call.counter > previous) facts.lost += call.counter - previous - 1;
  if (call.status == ReadStatus::overwrite) {
    facts.overwrites += 1;
    if (call.lost < depth) facts.evicted += 1;
  }
}

// T0 and the lower bound of T1, for readers in order.
std::string broken_identity(const plan::Case& planned, const ReaderTrace& reader,
                            const ReaderFacts& facts, std::uint64_t frames) {
  const ReaderSummary& s = reader.summary;
  if (reader.dropped > 0) return fmt::format("{} calls did not fit into the trace", reader.dropped);
  if (s.newest_at_end != frames)
    return fmt::format("the FIFO ended at counter {}, the source published {}", s.newest_at_end,
                       frames);
  const std::uint64_t seen = s.newest_at_end - s.first;
  if (seen != facts.delivered + facts.lost + facts.backlog)
    return fmt::format("{} frames passed, but delivered {} + lost {} + backlog {} = {}", seen,
                       facts.delivered, facts.lost, facts.backlog,
                       facts.delivered + facts.lost + facts.backlog);
  std::uint64_t reported = 0;
  for (const CallEvent& call : reader.calls) {
    reported += call.lost;
    if (call.status == ReadStatus::success && call.lost != 0)
      return fmt::format("success at counter {} with {} frames lost", call.counter, call.lost);
    const std::uint64_t least = std::max<std::uint64_t>(planned.fifo.depth, 2) - 1;
    if (call.status == ReadStatus::overwrite && call.lost < least)
      return fmt::format(
          "overwrite at counter {} lost {}, but a ring of {} can lose no fewer "
          "than {}",
          call.counter, call.lost, planned.fifo.depth, least);
  }
  if (reported != facts.lost)
    return fmt::format("the library reported {} lost, the counters say {}", reported, facts.lost);
  return {};
}

void time_call(const CallEvent& call, const std::vector<SourceEvent>& events, ReaderFacts& facts) {
  const SourceEvent* event = has_frame(call) ? event_of(events, call.counter) : nullptr;
  if (event != nullptr) facts.oldest = std::max(facts.oldest, call.after - event->published);
  if (call.waited == 0)
    facts.latenesses.push_back(std::max<std::int64_t>(call.before - call.intended, 0));
  else if (event != nullptr)
    facts.wake_latencies.push_back(std::max<std::int64_t>(call.before - event->published, 0));
}

// What is usual, what stands out, and when the host stood still.
// Half a period is the most that two calls in a row may be late without costing a reader at
// depth 1 a frame it would otherwise have kept.
void sort_delays(std::int64_t period, ReaderFacts& facts) {
  const std::int64_t pause = period / 2;
  const auto usual = [&](const std::vector<std::int64_t>& delays) {
    const std::int64_t p99 = std::min(quantile(delays, 0.99), pause);
    for (const std::int64_t delay : delays) {
      if (delay > pause)
        facts.pauses += 1;
      else if (delay > p99)
        facts.outliers += 1;
    }
    return p99;
  };
  facts.usual_wake = usual(facts.wake_latencies);
  facts.usual_lateness = usual(facts.latenesses);
}

}  // namespace

SourceFacts examine_source(const plan::Case& planned, const drivers::CameraDescription& source,
                           const Trace& trace) {
  SourceFacts facts;
  const auto& events = trace.source;
  facts.frames = events.size();
  BenchHealth& health = facts.health;
  if (events.empty()) {
    facts.identity_broken = "the source published nothing";
    health.unfit = facts.identity_broken;
    return facts;
  }
  const std::int64_t period = source.rate.period().count();
  std::vector<std::int64_t> copies;
  copies.reserve(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const SourceEvent& event = events[i];
    if (event.counter != i + 1 && facts.identity_broken.empty())
      facts.identity_broken =
          fmt::format("published frame {} has counter {}", i + 1, event.counter);
    if (i > 0 && event.id <= events[i - 1].id && facts.identity_broken.empty())
      facts.identity_broken = fmt::format("device id {} came after {}", event.id, events[i - 1].id);
    const std::int64_t lateness = event.published - event.due;
    health.worst_lateness_ns = std::max(health.worst_lateness_ns, lateness);
    if (lateness > period) health.late += 1;
    copies.push_back(event.published - event.claimed);
  }
  facts.copy_p99 = quantile(std::move(copies), 0.99);
  facts.id_gaps = events.back().id - events.front().id + 1 - events.size();
  facts.skipped = planned.frames > events.size() ? planned.frames - events.size() : 0;

  health.skipped = facts.skipped;
  health.pauses = health.late;
  const std::int64_t span = events.back().publishing - events.front().publishing;
  double allowed_ppm = kRateLimitPpm;
  if (span > 0) {
    health.rate_hz = static_cast<double>(events.size() - 1) * 1e9 / static_cast<double>(span);
    health.rate_error_ppm = (health.rate_hz / source.rate.hertz() - 1) * 1e6;
    // Of a short run the two ends alone may be off by a period.
    allowed_ppm += static_cast<double>(period) / static_cast<double>(span) * 1e6;
  }
  const double late_share = static_cast<double>(health.late) / static_cast<double>(events.size());
  if (planned.mode == plan::Mode::sim && span > 0 &&
      (std::abs(health.rate_error_ppm) > allowed_ppm || late_share > kLateLimit))
    health.unfit = fmt::format(
        "the bench could not hold its own rate: {:.5g} Hz of {:.5g} Hz, {} of {} frames skipped, "
        "{} late",
        health.rate_hz, source.rate.hertz(), facts.skipped, planned.frames, health.late);
  return facts;
}

ReaderFacts examine_reader(const plan::Case& planned, const plan::ReaderPlan& plan,
                           const drivers::CameraDescription& source,
                           const std::vector<SourceEvent>& events, const ReaderTrace& reader) {
  ReaderFacts facts;
  facts.calls = reader.calls.size();
  std::uint64_t previous = reader.summary.first;
  for (const CallEvent& call : reader.calls) {
    count_call(call, planned.fifo.depth, previous, facts);
    time_call(call, events, facts);
    if (has_frame(call)) previous = call.counter;
  }
  sort_delays(source.rate.period().count(), facts);
  facts.backlog = reader.summary.newest_at_end - previous;
  if (plan.mode == plan::ReadMode::next)
    facts.identity_broken = broken_identity(planned, reader, facts, events.size());
  const bool exact = planned.mode == plan::Mode::virtual_time;
  facts.oracle = check_calls(events, reader, plan, planned.fifo.depth, exact ? 0 : kClockGuardNs);
  facts.sha256 = reader.summary.sha256;
  return facts;
}

void name_metrics(const plan::Case& planned, const SourceFacts& source,
                  std::map<std::string, plan::Value>& metrics) {
  const std::string prefix = fmt::format("source.{}.", planned.source.role);
  const auto count = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  metrics[prefix + "rate"] = source.health.rate_hz;
  metrics[prefix + "frames"] = count(source.frames);
  metrics[prefix + "id_gaps"] = count(source.id_gaps);
  metrics[prefix + "late"] = count(source.health.late);
  metrics[prefix + "skipped"] = count(source.skipped);
}

void name_metrics(const plan::Case& planned, const plan::ReaderPlan& plan,
                  const ReaderFacts& reader, std::map<std::string, plan::Value>& metrics) {
  const std::string prefix = fmt::format("fifo.{}.{}.", planned.fifo.name, plan.name);
  const auto count = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  metrics[prefix + "identity"] = reader.identity_broken.empty();
  metrics[prefix + "delivered"] = count(reader.delivered);
  metrics[prefix + "lost"] = count(reader.lost);
  metrics[prefix + "overwrites"] = count(reader.overwrites);
  metrics[prefix + "backlog"] = count(reader.backlog);
  metrics[prefix + "evicted"] = count(reader.evicted);
  metrics[prefix + "backward"] = count(reader.backward);
  metrics[prefix + "duplicates"] = count(reader.duplicates);
  metrics[prefix + "torn"] = count(reader.torn);
  metrics[prefix + "content_good"] = count(reader.content_good);
  metrics[prefix + "content_bad"] = count(reader.content_bad);
  metrics[prefix + "lossless"] = reader.lost == 0 && reader.torn == 0;
  metrics[prefix + "oracle.violations"] = count(reader.oracle.violations);
  metrics[prefix + "oracle.ambiguous"] = count(reader.oracle.ambiguous);
  metrics[prefix + "calls"] = count(reader.calls);
  metrics[prefix + "sha256"] = reader.sha256;
  metrics[prefix + "age.max"] = reader.oldest;
  metrics[prefix + "latency.p50"] = quantile(reader.wake_latencies, 0.50);
  metrics[prefix + "latency.p99"] = quantile(reader.wake_latencies, 0.99);
  metrics[prefix + "latency.max"] = quantile(reader.wake_latencies, 1.0);
}

}  // namespace daohil::hil::judge
