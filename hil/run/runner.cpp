#include "hil/run/runner.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "drivers/error.hpp"
#include "drivers/registry.hpp"
#include "hil/run/modes.hpp"
#include "hil/run/source_faults.hpp"
#include "shm/segment.hpp"

namespace daohil::hil::run {
namespace {

// A stream guarded by the janitor from before it exists until it has been removed.
class GuardedStream {
 public:
  GuardedStream(Janitor& janitor, std::filesystem::path path)
      : janitor_(&janitor), path_(std::move(path)) {
    janitor_->guard(path_);
  }
  GuardedStream(const GuardedStream&) = delete;
  ~GuardedStream() {
    try {
      shm::Segment::unlink(path_);
      janitor_->release(path_);
    } catch (const std::exception&) {  // left to the janitor
    }
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  Janitor* janitor_;
  std::filesystem::path path_;
};

std::string key_of(const plan::SourcePlan& source) {
  const auto& s = source.settings;
  return fmt::format("{} {} {} {} {} {} {} {} {}", source.kind, s.shape ? s.shape->str() : "-",
                     s.type ? shm::name_of(*s.type) : "-", s.rate ? s.rate->millihertz() : 0,
                     static_cast<int>(s.on_late), static_cast<int>(s.at_end), s.file.string(),
                     source.numbering.first, source.numbering.bits);
}

}  // namespace

Proof Stage::proof_for(const plan::ReaderPlan& reader) const {
  const std::string sum = fmt::format("fifo.{}.{}.sha256", wanted.fifo.name, reader.name);
  const bool wants_sum = std::any_of(wanted.expect.begin(), wanted.expect.end(),
                                     [&](const auto& e) { return e.metric == sum; });
  return {.content = proof.content, .digest_frames = wants_sum ? proof.digest_frames : 0};
}

std::size_t Stage::source_events() const {
  // Duplicates come on top; no fault can more than double the frames.
  return wanted.faults.empty() ? wanted.frames + 1 : 2 * wanted.frames + 16;
}

std::size_t Stage::calls_of(const plan::ReaderPlan& reader) const {
  const std::size_t spare = 1000;
  const std::size_t turns = reader.mode == plan::ReadMode::mixed ? 2 : 1;
  if (reader.on_empty == plan::OnEmpty::wait && reader.looks == plan::Looks::by_lag)
    // A waiting reader makes at most one call a frame, and one more after each time it opened.
    return std::min(turns * source_events() + spare, kMostUntaken);
  if (reader.looks != plan::Looks::by_lag)
    return std::min(7 * source_events() + spare, kMostUntaken);
  const auto poll = std::max<std::int64_t>(reader.poll.count(), 1000);
  const auto polls = source.rate.offset_of(wanted.frames).count() / poll;
  return std::min(static_cast<std::size_t>(polls) * 2 + wanted.frames + spare, kMostUntaken);
}

Runner::Runner(Surroundings surroundings) : surroundings_(std::move(surroundings)) {}

const Runner::Source& Runner::source_of(const plan::Case& wanted) {
  const std::string key = key_of(wanted.source);
  if (const auto known = sources_.find(key); known != sources_.end()) return known->second;

  const auto camera = make_source(wanted, shm::system_clock());
  Source source{camera->describe(), camera->content_check()};
  if (!wanted.source.sha256.empty() && source.description.sha256 != wanted.source.sha256)
    throw drivers::Error(fmt::format(
        "bench '{}', role '{}': the pixels of {} have sha256 {}, the bench file says {}; it is not "
        "the recording the bench was written for",
        wanted.bench, wanted.source.role, source.description.identity, source.description.sha256,
        wanted.source.sha256));
  return sources_.emplace(key, std::move(source)).first->second;
}

const drivers::CameraDescription& Runner::preflight(const plan::Case& wanted) {
  return source_of(wanted).description;
}

// On tmpfs and named so that the base, from which the semaphores get their names, is unique.
std::filesystem::path Runner::next_stream() {
  return fmt::format("/dev/shm/hil-{}-{}.im.shm", ::getpid(), ++streams_);
}

Recording Runner::run(const plan::Case& wanted) {
  class Nobody final : public Observer {
    void published(std::span<const SourceEvent>) override {}
    void called(std::size_t, std::span<const CallEvent>, const ReaderSummary&) override {}
  } nobody;
  return run(wanted, nobody);
}

Recording Runner::run(const plan::Case& wanted, Observer& observer) {
  const shm::MonotonicTime begin = shm::system_clock().now();
  Recording recording;
  try {
    const Source& source = source_of(wanted);
    if (!janitor_) janitor_.emplace();
    const GuardedStream stream(*janitor_, next_stream());
    const Stage stage{
        wanted,        stream.path(), source.description, {source.content, source.description.pass},
        surroundings_, observer};
    recording = wanted.mode == plan::Mode::virtual_time ? run_in_virtual_time(stage)
                                                        : run_in_real_time(stage);
    recording.source = source.description;
  } catch (const std::exception& error) {
    recording.ending = Ending::broken;
    recording.error = error.what();
  }
  recording.elapsed = shm::system_clock().now() - begin;
  return recording;
}

}  // namespace daohil::hil::run
