#include "hil/plan/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "hil/plan/show.hpp"
#include "shm/layout.hpp"

namespace daohil::hil::plan {
namespace {

using drivers::CameraFault;
using drivers::FaultTrigger;

constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();

// Keys of each kind, so that a parameter of another kind is an error and not a silent nothing.
constexpr std::array<Key, 7> kFrameKeys{
    {{"target"}, {"kind"}, {"at"}, {"for"}, {"every"}, {"p"}, {"count"}}};
constexpr std::array<Key, 8> kCorruptKeys{
    {{"target"}, {"kind"}, {"at"}, {"for"}, {"every"}, {"p"}, {"count"}, {"bits"}}};
constexpr std::array<Key, 8> kShortKeys{
    {{"target"}, {"kind"}, {"at"}, {"for"}, {"every"}, {"p"}, {"count"}, {"bytes"}}};
constexpr std::array<Key, 8> kReorderKeys{
    {{"target"}, {"kind"}, {"at"}, {"for"}, {"every"}, {"p"}, {"count"}, {"swap"}}};
constexpr std::array<Key, 8> kJumpKeys{
    {{"target"}, {"kind"}, {"at"}, {"for"}, {"every"}, {"p"}, {"count"}, {"by"}}};
constexpr std::array<Key, 9> kJitterKeys{
    {{"target"}, {"kind"}, {"at"}, {"for"}, {"every"}, {"p"}, {"count"}, {"dist"}, {"max"}}};
constexpr std::array<Key, 4> kRateKeys{{{"target"}, {"kind"}, {"at"}, {"to"}}};
constexpr std::array<Key, 5> kCrashKeys{{{"target"}, {"kind"}, {"at"}, {"point"}, {"for"}}};
constexpr std::array<Key, 4> kSpanKeys{{{"target"}, {"kind"}, {"at"}, {"for"}}};
constexpr std::array<Key, 5> kRecreateKeys{{{"target"}, {"kind"}, {"at"}, {"depth"}, {"shape"}}};
constexpr std::array<Key, 4> kUnlinkKeys{{{"target"}, {"kind"}, {"at"}, {"for"}}};
constexpr std::array<Key, 3> kTruncateKeys{{{"target"}, {"kind"}, {"at"}}};
constexpr std::array<Key, 4> kModeKeys{{{"target"}, {"kind"}, {"at"}, {"mode"}}};
constexpr std::array<Key, 4> kStepKeys{{{"target"}, {"kind"}, {"at"}, {"by"}}};
constexpr std::array<Key, 5> kLoadKeys{{{"target"}, {"kind"}, {"at"}, {"for"}, {"level"}}};

enum class Kind {
  drop,
  duplicate,
  reorder,
  corrupt,
  short_frame,
  id_jump,
  jitter,
  rate_step,
  crash,
  kill,
  stop,
  recreate,
  unlink,
  truncate,
  change_mode,
  clock_step,
  cpu_load,
  memory_pressure,
  later,
};

constexpr std::array<Choice<Kind>, 10> kSourceKinds{{{"drop", Kind::drop},
                                                     {"duplicate", Kind::duplicate},
                                                     {"reorder", Kind::reorder},
                                                     {"corrupt", Kind::corrupt},
                                                     {"short_frame", Kind::short_frame},
                                                     {"id_jump", Kind::id_jump},
                                                     {"jitter", Kind::jitter},
                                                     {"rate_step", Kind::rate_step},
                                                     {"disconnect", Kind::later, Support::later},
                                                     {"usb_stall", Kind::later, Support::later}}};
constexpr std::array<Choice<Kind>, 3> kWriterKinds{
    {{"crash", Kind::crash}, {"sigkill", Kind::kill}, {"sigstop", Kind::stop}}};
constexpr std::array<Choice<Kind>, 2> kReaderKinds{
    {{"sigkill", Kind::kill}, {"sigstop", Kind::stop}}};
constexpr std::array<Choice<Kind>, 4> kFifoKinds{{{"recreate", Kind::recreate},
                                                  {"chmod", Kind::change_mode},
                                                  {"unlink", Kind::unlink},
                                                  {"truncate", Kind::truncate}}};
constexpr std::array<Choice<Kind>, 1> kClockKinds{{{"step", Kind::clock_step}}};
constexpr std::array<Choice<Kind>, 4> kHostKinds{{{"cpu_load", Kind::cpu_load},
                                                  {"mem_pressure", Kind::memory_pressure},
                                                  {"irq_storm", Kind::later, Support::later},
                                                  {"drop_caches", Kind::later, Support::later}}};

constexpr std::array<Choice<CrashPoint>, 9> kPoints{
    {{"before_write", CrashPoint::before_write},
     {"after_half_memcpy", CrashPoint::after_half_copy},
     {"before_publish", CrashPoint::before_publish},
     {"after_stamp", CrashPoint::after_stamp},
     {"after_counter", CrashPoint::after_counter},
     {"between_index_and_counter", CrashPoint::after_clear_write},
     {"after_clear_write", CrashPoint::after_clear_write},
     {"after_index", CrashPoint::after_index},
     {"after_publish", CrashPoint::after_publish}}};

bool is_map(const Field& field) { return field.node().kind == NodeKind::map; }

// `at: {frames: [1000, 1001]}` or `at: {frame: 4000}`.
std::vector<std::uint64_t> frames_of(const Field& at) {
  static constexpr std::array<Key, 2> kKeys{{{"frames"}, {"frame"}}};
  const Section section(at, kKeys);
  std::vector<std::uint64_t> frames;
  if (const auto one = section.find("frame")) frames.push_back(one->count(1, kAnyNumber));
  if (const auto list = section.find("frames"))
    for (const auto& item : list->list()) frames.push_back(item.count(1, kAnyNumber));
  if (frames.empty()) at.fail("no frame; expected {frames: [1000, 1001]}");
  std::sort(frames.begin(), frames.end());
  return frames;
}

Duration time_of(const Section& fault) {
  const Field at = fault.need("at");
  if (is_map(at)) at.fail("this kind strikes at a time such as 5s, not at a frame");
  return at.duration();
}

// "0.001", "1e-3" or "0.1%".
double probability_of(const Field& field) {
  const std::string text = field.text();
  double p = -1;
  if (text.ends_with('%')) {
    p = static_cast<double>(parse_fraction(text).value) * 1e-9;
  } else {
    std::size_t used = 0;
    try {
      p = std::stod(text, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used != text.size()) p = -1;
  }
  if (!(p > 0 && p <= 1))
    field.fail(
        fmt::format("expected a probability over 0 and at most 1 such as 1e-3 or 0.1%, got "
                    "{}",
                    show(text)));
  return p;
}

FaultTrigger trigger_of(const Section& fault) {
  const auto at = fault.find("at");
  const auto every = fault.find("every");
  const auto p = fault.find("p");
  if (int{at.has_value()} + int{every.has_value()} + int{p.has_value()} != 1)
    fault.fail("has exactly one of at (a time, or {frames: [...]}), every and p");
  FaultTrigger trigger;
  if (at && is_map(*at))
    trigger.frames = frames_of(*at);
  else if (at)
    trigger.at = at->duration();
  if (every) trigger.every = every->frames();
  if (p) trigger.probability = probability_of(*p);
  if (const auto span = fault.find("for")) {
    if (!trigger.at) span->fail("belongs to a time; give at: 5s");
    trigger.span = span->duration();
  }
  if (const auto count = fault.find("count")) trigger.count = count->count(1, kAnyNumber);
  return trigger;
}

CameraFault frame_fault(const Section& fault, CameraFault::Kind kind) {
  CameraFault plan;
  plan.kind = kind;
  plan.trigger = trigger_of(fault);
  return plan;
}

CameraFault read_jitter(const Field& field) {
  const Section section(field, kJitterKeys);
  if (const auto dist = section.find("dist"); dist && dist->text() != "uniform")
    dist->fail(fmt::format("this version draws uniform jitter only, got {}", show(dist->text())));
  CameraFault plan = frame_fault(section, CameraFault::Kind::jitter);
  plan.delay = section.need("max").duration();
  return plan;
}

Fault read_source_fault(const Field& field, Kind kind, std::vector<drivers::RateStep>& steps,
                        bool& is_step) {
  using K = CameraFault::Kind;
  switch (kind) {
    case Kind::drop:
      return frame_fault(Section(field, kFrameKeys), K::drop);
    case Kind::duplicate:
      return frame_fault(Section(field, kFrameKeys), K::duplicate);
    case Kind::reorder: {
      const Section section(field, kReorderKeys);
      if (const auto swap = section.find("swap")) static_cast<void>(swap->count(1, 1));
      return frame_fault(section, K::reorder);
    }
    case Kind::corrupt: {
      const Section section(field, kCorruptKeys);
      CameraFault plan = frame_fault(section, K::corrupt);
      if (const auto bits = section.find("bits")) plan.amount = bits->count(1, kAnyNumber);
      return plan;
    }
    case Kind::short_frame: {
      const Section section(field, kShortKeys);
      if (const auto bytes = section.find("bytes")) static_cast<void>(bytes->count(0, kAnyNumber));
      return frame_fault(section, K::short_frame);
    }
    case Kind::id_jump: {
      const Section section(field, kJumpKeys);
      CameraFault plan = frame_fault(section, K::id_jump);
      plan.amount = section.need("by").count(1, kAnyNumber);
      return plan;
    }
    case Kind::jitter:
      return read_jitter(field);
    default:
      break;
  }
  const Section section(field, kRateKeys);
  const Field at = section.need("at");
  const Duration when = time_of(section);
  if (!steps.empty() && when <= steps.back().at) at.fail("rate steps come in the order of time");
  if (when.count() == 0) at.fail("a rate that holds from the start is the source's rate");
  steps.push_back({when, section.need("to").rate()});
  is_step = true;
  return CameraFault{};
}

WriterCrash read_crash(const Field& field) {
  const Section section(field, kCrashKeys);
  const Field at = section.need("at");
  if (!is_map(at)) at.fail("a crash strikes in a frame: expected {frame: 4000}");
  const auto frames = frames_of(at);
  if (frames.size() != 1) at.fail("one crash, one frame; write a fault for each");
  return {.frame = frames.front(),
          .point = section.need("point").one_of<CrashPoint>(kPoints),
          .down = section.need("for").duration()};
}

drivers::CameraFault stall_of(const Field& field) {
  const Section section(field, kSpanKeys);
  CameraFault plan;
  plan.kind = CameraFault::Kind::stall;
  const Field at = section.need("at");
  if (is_map(at))
    plan.trigger.frames = frames_of(at);
  else
    plan.trigger.at = at.duration();
  plan.delay = section.need("for").duration();
  return plan;
}

Recreate read_recreate(const Field& field) {
  const Section section(field, kRecreateKeys);
  Recreate plan{.at = time_of(section)};
  if (const auto depth = section.find("depth"))
    plan.depth = static_cast<std::uint32_t>(depth->count(1, shm::Layout::kMaxDepth));
  if (const auto shape = section.find("shape")) {
    std::vector<std::uint32_t> axes;
    for (const auto& axis : shape->list())
      axes.push_back(
          static_cast<std::uint32_t>(axis.count(1, std::numeric_limits<std::uint32_t>::max())));
    if (axes.empty() || axes.size() > shm::Shape::kMaxAxes)
      shape->fail(fmt::format("expected 1 to {} axes, got {}", shm::Shape::kMaxAxes, axes.size()));
    plan.shape = shm::Shape(axes);
  }
  return plan;
}

// Removed; with `for`, created anew so much later by its writer.
void read_unlink(const Field& field, std::vector<Fault>& faults) {
  const Section section(field, kUnlinkKeys);
  const Duration at = time_of(section);
  faults.emplace_back(Unlink{at});
  if (const auto span = section.find("for")) faults.emplace_back(Recreate{at + span->duration()});
}

void read_truncate(const Field& field, std::vector<Fault>& faults) {
  const Section section(field, kTruncateKeys);
  const Duration at = time_of(section);
  faults.emplace_back(Truncate{at});
  faults.emplace_back(Recreate{at});
}

ChangeMode read_change_of_mode(const Field& field) {
  const Section section(field, kModeKeys);
  const std::string text = section.need("mode").text();
  if (text.size() != 4 || text.find_first_not_of("01234567") != std::string::npos)
    section.need("mode").fail(
        fmt::format("expected quoted octal digits such as \"0000\", got {}", show(text)));
  return {.at = time_of(section), .mode = static_cast<mode_t>(std::stoul(text, nullptr, 8))};
}

Duration signed_duration(const Field& field) {
  std::string text = field.text();
  const bool back = text.starts_with('-');
  if (back) text.erase(0, 1);
  try {
    const Duration span = parse_duration(text);
    return back ? -span : span;
  } catch (const BadValue& e) {
    field.fail(e.what());
  }
}

Fault read_host_load(const Field& field, HostLoad::Kind kind) {
  const Section section(field, kLoadKeys);
  HostLoad plan{.kind = kind, .at = time_of(section), .span = section.need("for").duration()};
  if (const auto level = section.find("level")) {
    const std::string text = level->text();
    try {
      plan.level = static_cast<double>(parse_fraction(text).value) * 1e-9;
    } catch (const BadValue& e) {
      level->fail(e.what());
    }
    if (!(plan.level > 0 && plan.level <= 1)) level->fail("is over 0% and at most 100%");
  }
  return plan;
}

void need_real_time(const Field& field, const FaultContext& context, std::string_view what) {
  if (context.mode == Mode::virtual_time)
    field.fail(
        fmt::format("{} exists in real time only, but the case runs in mode virtual; give "
                    "the scenario modes: [sim]",
                    what));
}

template <std::size_t n>
Kind kind_of(const Field& field, const std::array<Choice<Kind>, n>& kinds) {
  const Node* node = field.node().find("kind");
  if (node == nullptr) field.fail("expected a kind");
  return Field(field.file(), *node, fmt::format("{}: kind", field.where()))
      .template one_of<Kind>(kinds);
}

}  // namespace

std::vector<Fault> read_faults(const Field& field, const FaultContext& context,
                               std::vector<drivers::RateStep>& rate_steps) {
  std::vector<Fault> faults;
  for (const Field& item : field.list()) {
    if (!is_map(item) || item.node().find("target") == nullptr)
      item.fail("expected a fault such as {target: wfs, kind: drop, at: {frames: [1000]}}");
    const Field target(item.file(), *item.node().find("target"),
                       fmt::format("{}: target", item.where()));
    const std::string name = target.text();
    const auto is_reader = [&] {
      return std::any_of(context.readers.begin(), context.readers.end(),
                         [&](const ReaderPlan& reader) { return reader.name == name; });
    };
    if (name == context.source.role) {
      bool is_step = false;
      Fault fault = read_source_fault(item, kind_of(item, kSourceKinds), rate_steps, is_step);
      if (!is_step) faults.push_back(std::move(fault));
    } else if (name == "writer") {
      switch (kind_of(item, kWriterKinds)) {
        case Kind::crash:
          faults.emplace_back(read_crash(item));
          break;
        case Kind::kill: {
          const Section section(item, kCrashKeys);
          const Field at = section.need("at");
          const auto frames = is_map(at) ? frames_of(at) : std::vector<std::uint64_t>{};
          const auto& rate = context.source.settings.rate;
          if (!is_map(at) && !rate) at.fail("is a time, and the frame rate is not given");
          const std::uint64_t frame = is_map(at) ? frames.front() : frames_in(at.duration(), *rate);
          faults.emplace_back(WriterCrash{.frame = std::max<std::uint64_t>(frame, 1),
                                          .point = CrashPoint::after_publish,
                                          .down = section.need("for").duration()});
          break;
        }
        default:
          faults.emplace_back(stall_of(item));
      }
    } else if (name == "fifo") {
      switch (kind_of(item, kFifoKinds)) {
        case Kind::recreate:
          faults.emplace_back(read_recreate(item));
          break;
        case Kind::unlink:
          read_unlink(item, faults);
          break;
        case Kind::truncate:
          read_truncate(item, faults);
          break;
        default:
          faults.emplace_back(read_change_of_mode(item));
      }
    } else if (name == "clock") {
      static_cast<void>(kind_of(item, kClockKinds));
      const Section section(item, kStepKeys);
      faults.emplace_back(
          ClockStep{.at = time_of(section), .by = signed_duration(section.need("by"))});
    } else if (name == "host") {
      need_real_time(item, context, "a load of the host");
      faults.push_back(read_host_load(item, kind_of(item, kHostKinds) == Kind::cpu_load
                                                ? HostLoad::Kind::cpu
                                                : HostLoad::Kind::memory));
    } else if (is_reader()) {
      if (kind_of(item, kReaderKinds) == Kind::stop)
        item.fail("write it as the reader's lag: {kind: sigstop, at: 5s, for: 250ms}");
      const Section section(item, kSpanKeys);
      faults.emplace_back(ReaderKill{
          .reader = name, .at = time_of(section), .down = section.need("for").duration()});
    } else {
      std::vector<std::string_view> names{context.source.role, "writer", "fifo", "clock", "host"};
      for (const ReaderPlan& reader : context.readers) names.push_back(reader.name);
      target.fail(fmt::format("unknown target {}{}", show(name), nearest_and_all(name, names)));
    }
  }
  return faults;
}

}  // namespace daohil::hil::plan
