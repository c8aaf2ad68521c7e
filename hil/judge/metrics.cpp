#include "hil/judge/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "hil/judge/statistics.hpp"

namespace daohil::hil::judge {
namespace {

using shm::ReadStatus;

// House limits of a fit bench, not taken from any observatory: the source must have held its rate
// to one percent, frames skipped included; beyond that a result speaks of the bench and not of
// the reader.
constexpr double kRateLimitPpm = 10'000;
constexpr double kLateLimit = 0.02;

// Predictions on what really came need every frame's times: of a longer run there are none.
constexpr std::size_t kMostFrames = 4'000'000;

bool has_frame(const CallEvent& call) {
  return call.status == ReadStatus::success || call.status == ReadStatus::overwrite;
}

// Upper bound of the probability of a loss, 95 % one-sided.
double loss_bound(std::uint64_t lost, std::uint64_t of) {
  return of == 0 ? 1 : clopper_pearson_upper(lost, of);
}

// What is usual, what stands out, and when the host stood still.
// Half a period is the most that two calls in a row may be late without costing a reader at
// depth 1 a frame it would otherwise have kept.
void sort_delays(std::int64_t period, ReaderFacts& facts) {
  const std::int64_t pause = period / 2;
  const auto usual = [&](const Delays& delays) {
    const std::int64_t p99 = std::min(delays.quantile(0.99), pause);
    const std::uint64_t pauses = delays.longer_than(pause);
    facts.pauses += pauses;
    facts.outliers += delays.longer_than(p99) - pauses;
    return p99;
  };
  facts.usual_wake = usual(facts.wake_latencies);
  facts.usual_lateness = usual(facts.latenesses);
}

}  // namespace

// ---- source -------------------------------------------------------------------------------------

SourceExaminer::SourceExaminer(const plan::Case& planned, const drivers::CameraDescription& source)
    : planned_(&planned), source_(source) {
  epochs_.push_back(std::make_unique<SourceWindow>());
}

const SourceWindow& SourceExaminer::epoch(std::uint32_t n) const {
  static const SourceWindow kNotBegun;
  return n < epochs_.size() ? *epochs_[n] : kNotBegun;
}

void SourceExaminer::add(const SourceEvent& event) {
  while (epochs_.size() <= event.epoch) epochs_.push_back(std::make_unique<SourceWindow>());
  SourceWindow& window = *epochs_[event.epoch];
  if (event.counter != window.frames() + 1) {
    facts_.cnt_gaps += 1;
    if (facts_.identity_broken.empty())
      facts_.identity_broken =
          fmt::format("published frame {} has counter {}", window.frames() + 1, event.counter);
  }
  window.add(event);
  take_id(planned_->source.numbering.ordinal(shm::FrameId{event.id}));

  facts_.frames += 1;
  const std::int64_t lateness = event.published - event.due;
  facts_.health.worst_lateness_ns = std::max(facts_.health.worst_lateness_ns, lateness);
  if (lateness > source_.rate.period().count()) facts_.health.late += 1;
  if (first_ && facts_.frames > planned_->warmup) {
    facts_.periods.add(event.publishing - last_.publishing);
    facts_.latenesses.add(lateness);
    copies_.add(event.published - event.claimed);
  }
  if (!first_) begin_with(event);
  last_ = event;
  if (facts_.claimed.size() < kMostFrames) {
    facts_.claimed.push_back(event.claimed - origin_);
    facts_.published.push_back(event.published - origin_);
  }
}

// Frame 1 may never have come; its due time is where times count from.
void SourceExaminer::begin_with(const SourceEvent& event) {
  first_ = event;
  if (planned_->mode == plan::Mode::virtual_time) return;  // it is due at 0
  const drivers::RateProfile rate(source_.rate, planned_->source.settings.rate_steps);
  const std::uint64_t id = planned_->source.numbering.ordinal(shm::FrameId{event.id});
  origin_ = event.due - rate.offset_of(id - 1).count();
}

// By how the device counts: numbers may be missing, come twice or out of order.
void SourceExaminer::take_id(std::uint64_t id) {
  if (facts_.frames == 0) {
    highest_id_ = id;
  } else if (id > highest_id_) {
    facts_.id_gaps += id - highest_id_ - 1;
    highest_id_ = id;
  } else if (id == highest_id_) {
    facts_.duplicates += 1;
  } else {
    facts_.reordered += 1;
    if (facts_.id_gaps > 0) facts_.id_gaps -= 1;
  }
  const bool out_of_order = facts_.duplicates + facts_.reordered > 0;
  if (out_of_order && planned_->faults.empty() && facts_.identity_broken.empty())
    facts_.identity_broken = fmt::format("device id {} came after {}", id, highest_id_);
}

SourceFacts SourceExaminer::conclude(Scheduling scheduling) {
  BenchHealth& health = facts_.health;
  health.scheduling = scheduling;
  if (!first_) {
    facts_.identity_broken = "the source published nothing";
    health.unfit = facts_.identity_broken;
    return std::move(facts_);
  }
  facts_.copy_p99 = copies_.quantile(0.99);
  facts_.skipped = planned_->frames > facts_.frames ? planned_->frames - facts_.frames : 0;
  if (facts_.claimed.size() < facts_.frames) {
    facts_.claimed.clear();
    facts_.published.clear();
  }
  health.skipped = facts_.skipped;
  health.pauses = health.late;
  const std::int64_t span = last_.publishing - first_->publishing;
  const auto frames = static_cast<double>(facts_.frames);
  facts_.span = shm::Duration{span};
  double allowed_ppm = kRateLimitPpm;
  if (span > 0) {
    health.rate_hz = (frames - 1) * 1e9 / static_cast<double>(span);
    health.rate_error_ppm = (health.rate_hz / source_.rate.hertz() - 1) * 1e6;
    // Of a short run the two ends alone may be off by a period.
    allowed_ppm +=
        static_cast<double>(source_.rate.period().count()) / static_cast<double>(span) * 1e6;
  }
  // Where faults take frames away or change the rate, only lateness tells of the bench.
  const bool steady = planned_->faults.empty() && planned_->source.settings.rate_steps.empty();
  const bool off_rate = steady && std::abs(health.rate_error_ppm) > allowed_ppm;
  const bool late = static_cast<double>(health.late) > kLateLimit * frames;
  if (planned_->mode == plan::Mode::sim && span > 0 && (off_rate || late))
    health.unfit = fmt::format(
        "the bench could not hold its own rate: {:.5g} Hz of {:.5g} Hz, {} of {} frames skipped, "
        "{} late",
        health.rate_hz, source_.rate.hertz(), facts_.skipped, planned_->frames, health.late);
  return std::move(facts_);
}

// ---- reader -------------------------------------------------------------------------------------

ReaderExaminer::ReaderExaminer(const plan::Case& planned, const plan::ReaderPlan& plan,
                               const drivers::CameraDescription& source,
                               const SourceExaminer& publications)
    : planned_(&planned),
      plan_(&plan),
      period_(source.rate.period().count()),
      publications_(&publications) {}

Attachment ReaderExaminer::attachment(std::uint32_t n, const ReaderSummary& summary) const {
  if (n < summary.attachments) return summary.attached[n];
  return {.first = summary.first,
          .tail = summary.tail,
          .newest_at_end = summary.newest_at_end,
          .depth = planned_->fifo.depth};
}

void ReaderExaminer::broken(std::string what) {
  if (facts_.identity_broken.empty()) facts_.identity_broken = std::move(what);
}

void ReaderExaminer::open_part(const Attachment& attached) {
  open_ = true;
  epoch_ = attached.epoch;
  depth_ = attached.depth;
  previous_ = attached.first;
  part_delivered_ = part_lost_ = part_reported_ = 0;
  behind_since_.reset();
  const SourceWindow& window = publications_->epoch(epoch_);
  const bool exact = planned_->mode == plan::Mode::virtual_time;
  oracle_.emplace(window, *plan_, depth_, exact ? 0 : kClockGuardNs, previous_);
  published_.emplace(window, &SourceEvent::published);
  publishing_.emplace(window, &SourceEvent::publishing);
}

// T0, for readers in order.
void ReaderExaminer::close_part(const Attachment& attached) {
  facts_.backlog = attached.newest_at_end - previous_;
  const bool in_order = plan_->mode == plan::ReadMode::next || plan_->mode == plan::ReadMode::mixed;
  if (!in_order || attached.cut != 0) return;
  const std::uint64_t frames = publications_->epoch(epoch_).frames();
  if (attached.newest_at_end != frames)
    return broken(fmt::format("the FIFO ended at counter {}, the source published {}",
                              attached.newest_at_end, frames));
  const std::uint64_t seen = attached.newest_at_end - attached.first;
  const std::uint64_t sum = part_delivered_ + part_lost_ + facts_.backlog;
  if (seen != sum)
    return broken(fmt::format("{} frames passed, but delivered {} + lost {} + backlog {} = {}",
                              seen, part_delivered_, part_lost_, facts_.backlog, sum));
  // A reader that throws its tail away skips frames of its own accord.
  if (part_reported_ != part_lost_ && plan_->on_overwrite != plan::OnOverwrite::reset)
    broken(fmt::format("the library reported {} lost, the counters say {}", part_reported_,
                       part_lost_));
}

void ReaderExaminer::advance_to(std::uint32_t opened, const ReaderSummary& summary) {
  if (!open_) open_part(attachment(0, summary));
  while (opened_ < opened) {
    const Attachment before = attachment(opened_, summary);
    close_part(before);
    opened_ += 1;
    const Attachment next = attachment(opened_, summary);
    if (next.epoch != before.epoch) facts_.reopened += 1;
    open_part(next);
  }
}

void ReaderExaminer::add(const CallEvent& call, const ReaderSummary& summary) {
  advance_to(call.opened, summary);
  const std::uint64_t unread =
      call.timing == Timing::arrival
          ? 0
          : published_->by(call.before) - std::min(previous_, published_->by(call.before));
  const SourceEvent* event =
      has_frame(call) ? publications_->epoch(epoch_).event_of(call.counter) : nullptr;
  ask_oracle(call);
  count(call);
  time(call, event);
  if (plan_->mode == plan::ReadMode::next && call.timing == Timing::measured) {
    facts_.backlog_max = std::max(facts_.backlog_max, unread);
    follow_recovery(call, unread);
  }
  if (has_frame(call) && call.asked_newest == 0) previous_ = call.counter;
}

void ReaderExaminer::ask_oracle(const CallEvent& call) {
  if (call.timing == Timing::measured) return oracle_->judge(call, facts_.calls, facts_.oracle);
  // Of a program that prints what it got, one thing is certain: it cannot have got it earlier.
  facts_.oracle.checked += 1;
  if (!has_frame(call) || call.counter <= publishing_->by(call.after + kClockGuardNs)) return;
  facts_.oracle.violations += 1;
  if (facts_.oracle.first_violation.empty()) {
    facts_.oracle.first_violating_call = facts_.calls;
    facts_.oracle.first_violation = fmt::format(
        "call {}: frame {} reported before it was published", facts_.calls, call.counter);
  }
}

void ReaderExaminer::count(const CallEvent& call) {
  facts_.calls += 1;
  if (call.status == ReadStatus::torn || call.content == Content::discarded) facts_.torn += 1;
  if (call.content == Content::good) facts_.content_good += 1;
  if (call.content == Content::torn || call.content == Content::wrong_frame)
    facts_.content_bad += 1;
  if (!has_frame(call) || call.asked_newest != 0) return;
  facts_.delivered += 1;
  part_delivered_ += 1;
  if (plan_->mode == plan::ReadMode::arbitrary) return;
  if (plan_->mode == plan::ReadMode::history) {
    if (call.frames < std::min<std::uint64_t>(plan_->history, call.counter))
      facts_.history_short += 1;
    if (call.content == Content::torn || call.content == Content::wrong_frame)
      facts_.history_gaps += 1;
    if (call.counter < previous_) facts_.backward += 1;
    return;
  }
  if (call.counter < previous_) facts_.backward += 1;
  if (call.counter == previous_) facts_.duplicates += 1;
  const std::uint64_t missed = call.counter > previous_ ? call.counter - previous_ - 1 : 0;
  if (plan_->mode == plan::ReadMode::newest) facts_.skipped += missed;
  facts_.lost += missed;
  part_lost_ += missed;
  part_reported_ += call.lost;
  if (call.status == ReadStatus::success && call.lost != 0)
    broken(fmt::format("success at counter {} with {} frames lost", call.counter, call.lost));
  if (call.status != ReadStatus::overwrite) return;
  facts_.overwrites += 1;
  if (call.lost < depth_) facts_.evicted += 1;
  // The lower bound of T1. Who resumes at the oldest frame may lose a single one.
  const bool to_oldest = plan_->on_overwrite == plan::OnOverwrite::oldest;
  const std::uint64_t least = to_oldest ? 1 : std::max<std::uint64_t>(depth_, 2) - 1;
  if (call.lost < least)
    broken(
        fmt::format("overwrite at counter {} lost {}, but a ring of {} can lose no fewer than "
                    "{}",
                    call.counter, call.lost, depth_, least));
}

void ReaderExaminer::time(const CallEvent& call, const SourceEvent* event) {
  const bool warm = call.counter > planned_->warmup || epoch_ > 0;
  if (event != nullptr && warm && call.timing == Timing::measured) {
    const std::int64_t age = call.after - event->published;
    facts_.oldest = std::max(facts_.oldest, age);
    if (call.status == ReadStatus::success)
      facts_.age_excess =
          std::max(facts_.age_excess, age - static_cast<std::int64_t>(depth_) * period_);
  }
  // Held up inside the call: it saw another moment than it was made for.
  if (call.timing == Timing::measured && call.after - call.before > period_ / 2) facts_.pauses += 1;
  if (!warm || call.timing == Timing::arrival) return;
  if (event != nullptr) {
    facts_.latencies.add(call.after - event->published);
    time_losses(call);
  }
  if (call.waited == 0)
    facts_.latenesses.add(call.before - call.intended);
  else if (event != nullptr)
    facts_.wake_latencies.add(call.before - event->published);
}

// Of readers that want every frame.
void ReaderExaminer::time_losses(const CallEvent& call) {
  if (plan_->mode != plan::ReadMode::next || call.counter <= previous_) return;
  for (std::uint64_t lost = previous_ + 1; lost < call.counter; ++lost)
    if (const SourceEvent* event = publications_->epoch(epoch_).event_of(lost))
      facts_.latencies.add(call.after - event->published);
}

// Behind is who finds more than one frame unread; it has caught up when it finds one at most.
void ReaderExaminer::follow_recovery(const CallEvent& call, std::uint64_t unread) {
  if (unread > 1) {
    if (!behind_since_) {
      behind_since_ = call.before;
      behind_reads_ = 0;
    }
    behind_reads_ += 1;
  } else if (behind_since_) {
    facts_.recovery_max = std::max(facts_.recovery_max, call.after - *behind_since_);
    facts_.recovery_reads = std::max(facts_.recovery_reads, behind_reads_);
    behind_since_.reset();
  }
}

ReaderFacts ReaderExaminer::conclude(const ReaderSummary& summary, std::uint64_t dropped) {
  if (dropped > 0) broken(fmt::format("{} calls did not fit into the trace", dropped));
  const std::uint32_t last = std::max<std::uint32_t>(summary.attachments, 1) - 1;
  advance_to(last, summary);
  close_part(attachment(last, summary));
  sort_delays(period_, facts_);
  facts_.sha256 = summary.sha256;
  facts_.stamps_backward = summary.stamps_backward;
  return std::move(facts_);
}

std::uint64_t ReaderExaminer::done_with() const {
  if (!open_) return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t margin = 2 * std::uint64_t{depth_} + 2;
  return previous_ > margin ? previous_ - margin : 0;
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
  metrics[prefix + "rate_error_ppm"] = source.health.rate_error_ppm;
  metrics[prefix + "duplicates"] = count(source.duplicates);
  metrics[prefix + "reordered"] = count(source.reordered);
  metrics[prefix + "cnt_gaps"] = count(source.cnt_gaps);
  metrics[prefix + "loss.upper95"] = loss_bound(source.id_gaps, source.frames + source.id_gaps);
  metrics[prefix + "period.sd"] = source.periods.deviation();
  metrics[prefix + "period.p99"] = source.periods.quantile(0.99);
  metrics[prefix + "period.max"] = source.periods.quantile(1.0);
  metrics[prefix + "lateness.p99"] = source.latenesses.quantile(0.99);
  metrics[prefix + "lateness.max"] = source.health.worst_lateness_ns;
  metrics[prefix + "write.p99"] = source.copy_p99;
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
  metrics[prefix + "loss.upper95"] = loss_bound(reader.lost, reader.delivered + reader.lost);
  metrics[prefix + "age.max"] = reader.oldest;
  metrics[prefix + "age.excess"] = reader.age_excess;
  metrics[prefix + "backlog.max"] = count(reader.backlog_max);
  metrics[prefix + "skipped"] = count(reader.skipped);
  metrics[prefix + "recovery.max"] = reader.recovery_max;
  metrics[prefix + "recovery.reads"] = count(reader.recovery_reads);
  metrics[prefix + "stamps.backward"] = count(reader.stamps_backward);
  metrics[prefix + "reopened"] = count(reader.reopened);
  metrics[prefix + "history.short"] = count(reader.history_short);
  metrics[prefix + "history.gaps"] = count(reader.history_gaps);
  metrics[prefix + "latency.p50"] = reader.latencies.quantile(0.50);
  metrics[prefix + "latency.p99"] = reader.latencies.quantile(0.99);
  metrics[prefix + "latency.p99_9"] = reader.latencies.quantile(0.999);
  metrics[prefix + "latency.p99_99"] = reader.latencies.quantile(0.9999);
  metrics[prefix + "latency.max"] = reader.latencies.quantile(1.0);
}

}  // namespace daohil::hil::judge
