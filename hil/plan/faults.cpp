#include "hil/plan/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

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
  section.take("frame", [&](const Field& one) { frames.push_back(one.count(1, kAnyNumber)); });
  section.take("frames", [&](const Field& list) {
    for (const auto& item : list.list())
      item.gather([&] { frames.push_back(item.count(1, kAnyNumber)); });
  });
  if (!section.sound()) at.fail_reported();
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
  FaultTrigger trigger;
  fault.take("at", [&](const Field& at) {
    if (is_map(at))
      trigger.frames = frames_of(at);
    else
      trigger.at = at.duration();
  });
  fault.take("every", [&](const Field& every) { trigger.every = every.frames(); });
  fault.take("p", [&](const Field& p) { trigger.probability = probability_of(p); });
  fault.take("for", [&](const Field& span) { trigger.span = span.duration(); });
  fault.take("count", [&](const Field& count) { trigger.count = count.count(1, kAnyNumber); });
  fault.check([&] {
    const auto has = [&](std::string_view key) { return int{fault.find(key).has_value()}; };
    if (has("at") + has("every") + has("p") != 1)
      fault.fail("has exactly one of at (a time, or {frames: [...]}), every and p");
    if (const auto span = fault.find("for"); span && !trigger.at)
      span->fail("belongs to a time; give at: 5s");
  });
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
  section.take("dist", [](const Field& dist) {
    if (dist.text() != "uniform")
      dist.fail(fmt::format("this version draws uniform jitter only, got {}", show(dist.text())));
  });
  CameraFault plan = frame_fault(section, CameraFault::Kind::jitter);
  section.take_needed("max", [&](const Field& max) { plan.delay = max.duration(); });
  return plan;
}

void read_rate_step(const Field& field, std::vector<drivers::RateStep>& steps) {
  const Section section(field, kRateKeys);
  Duration when{0};
  std::optional<shm::Rate> rate;
  section.take_needed("at", [&](const Field& at) {
    when = time_of(section);
    if (!steps.empty() && when <= steps.back().at) at.fail("rate steps come in the order of time");
    if (when.count() == 0) at.fail("a rate that holds from the start is the source's rate");
  });
  section.take_needed("to", [&](const Field& to) { rate = to.rate(); });
  if (section.sound() && rate) steps.push_back({when, *rate});
}

CameraFault read_frame_fault(const Field& field, Kind kind) {
  using K = CameraFault::Kind;
  CameraFault plan;
  switch (kind) {
    case Kind::duplicate:
      return frame_fault(Section(field, kFrameKeys), K::duplicate);
    case Kind::reorder: {
      const Section section(field, kReorderKeys);
      section.take("swap", [](const Field& swap) { static_cast<void>(swap.count(1, 1)); });
      return frame_fault(section, K::reorder);
    }
    case Kind::corrupt: {
      const Section section(field, kCorruptKeys);
      plan = frame_fault(section, K::corrupt);
      section.take("bits", [&](const Field& bits) { plan.amount = bits.count(1, kAnyNumber); });
      return plan;
    }
    case Kind::short_frame: {
      const Section section(field, kShortKeys);
      section.take("bytes",
                   [](const Field& bytes) { static_cast<void>(bytes.count(0, kAnyNumber)); });
      return frame_fault(section, K::short_frame);
    }
    case Kind::id_jump: {
      const Section section(field, kJumpKeys);
      plan = frame_fault(section, K::id_jump);
      section.take_needed("by", [&](const Field& by) { plan.amount = by.count(1, kAnyNumber); });
      return plan;
    }
    case Kind::jitter:
      return read_jitter(field);
    default:
      return frame_fault(Section(field, kFrameKeys), K::drop);
  }
}

WriterCrash read_crash(const Field& field) {
  const Section section(field, kCrashKeys);
  WriterCrash plan;
  section.take_needed("at", [&](const Field& at) {
    if (!is_map(at)) at.fail("a crash strikes in a frame: expected {frame: 4000}");
    const auto frames = frames_of(at);
    if (frames.size() != 1) at.fail("one crash, one frame; write a fault for each");
    plan.frame = frames.front();
  });
  section.take_needed("point",
                      [&](const Field& point) { plan.point = point.one_of<CrashPoint>(kPoints); });
  section.take_needed("for", [&](const Field& span) { plan.down = span.duration(); });
  return plan;
}

WriterCrash read_writer_kill(const Field& field, const std::optional<shm::Rate>& rate) {
  const Section section(field, kCrashKeys);
  WriterCrash plan;
  plan.point = CrashPoint::after_publish;
  section.take_needed("at", [&](const Field& at) {
    if (!is_map(at) && !rate) at.fail("is a time, and the frame rate is not given");
    const std::uint64_t frame =
        is_map(at) ? frames_of(at).front() : frames_in(at.duration(), *rate);
    plan.frame = std::max<std::uint64_t>(frame, 1);
  });
  section.take_needed("for", [&](const Field& span) { plan.down = span.duration(); });
  return plan;
}

drivers::CameraFault stall_of(const Field& field) {
  const Section section(field, kSpanKeys);
  CameraFault plan;
  plan.kind = CameraFault::Kind::stall;
  section.take_needed("at", [&](const Field& at) {
    if (is_map(at))
      plan.trigger.frames = frames_of(at);
    else
      plan.trigger.at = at.duration();
  });
  section.take_needed("for", [&](const Field& span) { plan.delay = span.duration(); });
  return plan;
}

shm::Shape shape_of(const Field& field) {
  std::vector<std::uint32_t> axes;
  for (const auto& axis : field.list())
    axes.push_back(
        static_cast<std::uint32_t>(axis.count(1, std::numeric_limits<std::uint32_t>::max())));
  if (axes.empty() || axes.size() > shm::Shape::kMaxAxes)
    field.fail(fmt::format("expected 1 to {} axes, got {}", shm::Shape::kMaxAxes, axes.size()));
  return shm::Shape(axes);
}

Recreate read_recreate(const Field& field) {
  const Section section(field, kRecreateKeys);
  Recreate plan;
  section.take_needed("at", [&](const Field&) { plan.at = time_of(section); });
  section.take("depth", [&](const Field& depth) {
    plan.depth = static_cast<std::uint32_t>(depth.count(1, shm::Layout::kMaxDepth));
  });
  section.take("shape", [&](const Field& shape) { plan.shape = shape_of(shape); });
  return plan;
}

// Removed; with `for`, created anew so much later by its writer.
void read_unlink(const Field& field, std::vector<Fault>& faults) {
  const Section section(field, kUnlinkKeys);
  section.take_needed("at", [&](const Field&) {
    const Duration at = time_of(section);
    faults.emplace_back(Unlink{at});
    section.take("for", [&](const Field& span) {
      faults.emplace_back(Recreate{.at = at + span.duration()});
    });
  });
}

void read_truncate(const Field& field, std::vector<Fault>& faults) {
  const Section section(field, kTruncateKeys);
  section.take_needed("at", [&](const Field&) {
    const Duration at = time_of(section);
    faults.emplace_back(Truncate{at});
    faults.emplace_back(Recreate{.at = at});
  });
}

ChangeMode read_change_mode(const Field& field) {
  const Section section(field, kModeKeys);
  ChangeMode plan;
  section.take_needed("at", [&](const Field&) { plan.at = time_of(section); });
  section.take_needed("mode", [&](const Field& mode) {
    const std::string text = mode.text();
    if (text.size() != 4 || text.find_first_not_of("01234567") != std::string::npos)
      mode.fail(fmt::format("expected quoted octal digits such as \"0000\", got {}", show(text)));
    plan.mode = static_cast<mode_t>(std::stoul(text, nullptr, 8));
  });
  return plan;
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

ClockStep read_clock_step(const Field& field) {
  const Section section(field, kStepKeys);
  ClockStep plan;
  section.take_needed("at", [&](const Field&) { plan.at = time_of(section); });
  section.take_needed("by", [&](const Field& by) { plan.by = signed_duration(by); });
  return plan;
}

HostLoad read_host_load(const Field& field, HostLoad::Kind kind) {
  const Section section(field, kLoadKeys);
  HostLoad plan{.kind = kind};
  section.take_needed("at", [&](const Field&) { plan.at = time_of(section); });
  section.take_needed("for", [&](const Field& span) { plan.span = span.duration(); });
  section.take("level", [&](const Field& level) {
    try {
      plan.level = static_cast<double>(parse_fraction(level.text()).value) * 1e-9;
    } catch (const BadValue& e) {
      level.fail(e.what());
    }
    if (!(plan.level > 0 && plan.level <= 1)) level.fail("is over 0% and at most 100%");
  });
  return plan;
}

ReaderKill read_reader_kill(const Field& field, const std::string& reader) {
  const Section section(field, kSpanKeys);
  ReaderKill plan{.reader = reader};
  section.take_needed("at", [&](const Field&) { plan.at = time_of(section); });
  section.take_needed("for", [&](const Field& span) { plan.down = span.duration(); });
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
  return field.other(*node, fmt::format("{}: kind", field.where())).template one_of<Kind>(kinds);
}

Fault read_writer_fault(const Field& item, const FaultContext& context) {
  switch (kind_of(item, kWriterKinds)) {
    case Kind::crash:
      return read_crash(item);
    case Kind::kill:
      return read_writer_kill(item, context.source.settings.rate);
    default:
      return stall_of(item);
  }
}

void read_fifo_fault(const Field& item, std::vector<Fault>& faults) {
  switch (kind_of(item, kFifoKinds)) {
    case Kind::recreate:
      faults.emplace_back(read_recreate(item));
      return;
    case Kind::unlink:
      return read_unlink(item, faults);
    case Kind::truncate:
      return read_truncate(item, faults);
    default:
      faults.emplace_back(read_change_mode(item));
  }
}

Fault read_host_fault(const Field& item, const FaultContext& context) {
  need_real_time(item, context, "a load of the host");
  return read_host_load(item, kind_of(item, kHostKinds) == Kind::cpu_load ? HostLoad::Kind::cpu
                                                                          : HostLoad::Kind::memory);
}

Fault read_reader_fault(const Field& item, const std::string& reader) {
  if (kind_of(item, kReaderKinds) == Kind::stop)
    item.fail("write it as the reader's lag: {kind: sigstop, at: 5s, for: 250ms}");
  return read_reader_kill(item, reader);
}

// A step of the rate goes to the others of its kind.
void read_fault(const Field& item, const FaultContext& context,
                std::vector<drivers::RateStep>& rate_steps, std::vector<Fault>& faults) {
  if (!is_map(item) || item.node().find("target") == nullptr)
    item.fail("expected a fault such as {target: wfs, kind: drop, at: {frames: [1000]}}");
  const Field target =
      item.other(*item.node().find("target"), fmt::format("{}: target", item.where()));
  const std::string name = target.text();
  const auto add = [&](Fault fault) { faults.push_back(std::move(fault)); };
  if (name == context.source.role) {
    const Kind kind = kind_of(item, kSourceKinds);
    if (kind == Kind::rate_step) return read_rate_step(item, rate_steps);
    return add(read_frame_fault(item, kind));
  }
  if (name == "writer") return add(read_writer_fault(item, context));
  if (name == "fifo") return read_fifo_fault(item, faults);
  if (name == "clock") {
    static_cast<void>(kind_of(item, kClockKinds));
    return add(read_clock_step(item));
  }
  if (name == "host") return add(read_host_fault(item, context));
  std::vector<std::string_view> names{context.source.role, "writer", "fifo", "clock", "host"};
  for (const ReaderPlan& reader : context.readers) {
    if (name == reader.name) return add(read_reader_fault(item, name));
    // It may be the target; its name was complained of.
    if (reader.name.empty()) target.fail_reported();
    names.push_back(reader.name);
  }
  target.fail(fmt::format("unknown target {}{}", show(name), nearest_and_all(name, names)),
              {name, names});
}

}  // namespace

std::vector<Fault> read_faults(const Field& field, const FaultContext& context,
                               std::vector<drivers::RateStep>& rate_steps) {
  std::vector<Fault> faults;
  for (const Field& item : field.list())
    item.gather([&] { read_fault(item, context, rate_steps, faults); });
  return faults;
}

}  // namespace daohil::hil::plan
