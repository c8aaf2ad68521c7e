#include "hil/plan/readers.hpp"

#include <fmt/format.h>

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

#include "hil/plan/show.hpp"
#include "shm/layout.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::array<Key, 20> kReaderKeys{
    {{"name"},  {"fifo"},         {"process"}, {"mode"}, {"rules"},   {"looks"},    {"wait"},
     {"poll"},  {"copy"},         {"hold"},    {"lag"},  {"lang"},    {"exec"},     {"history"},
     {"index"}, {"on_overwrite"}, {"start"},   {"cpu"},  {"waiting"}, {"semaphore"}}};

enum class Process { separate, thread };
constexpr std::array<Choice<Process>, 2> kProcesses{
    {{"separate", Process::separate}, {"thread", Process::thread, Support::later}}};

constexpr std::array<Choice<ReadMode>, 5> kReadModes{{{"next", ReadMode::next},
                                                      {"newest", ReadMode::newest},
                                                      {"arbitrary", ReadMode::arbitrary},
                                                      {"mixed", ReadMode::mixed},
                                                      {"history", ReadMode::history}}};

constexpr std::array<Choice<Language>, 3> kLanguages{
    {{"cpp", Language::cpp}, {"c", Language::c}, {"python", Language::python}}};

constexpr std::array<Choice<OnOverwrite>, 4> kOnOverwrite{{{"continue", OnOverwrite::go_on},
                                                           {"oldest", OnOverwrite::oldest},
                                                           {"reset", OnOverwrite::reset},
                                                           {"stop", OnOverwrite::stop}}};

constexpr std::array<Choice<shm::Wait>, 3> kWaiting{
    {{"sleep", shm::Wait::sleep}, {"spin", shm::Wait::spin}, {"hybrid", shm::Wait::hybrid}}};

constexpr std::array<Choice<Rules>, 2> kRules{
    {{"verified", Rules::verified}, {"reference", Rules::reference}}};

constexpr std::array<Choice<Looks>, 3> kLooks{
    {{"by_lag", Looks::by_lag},
     {"each_publication_step", Looks::at_each_publication_step},
     {"mid_copy", Looks::mid_copy}}};

constexpr std::array<Choice<Copying>, 2> kCopying{
    {{"copy", Copying::copy}, {"zero", Copying::in_place}}};

enum class LagKind { constant, periodic, unread, burst, gc, hog, sigstop, trace };
constexpr std::array<Choice<LagKind>, 8> kLagKinds{{{"constant", LagKind::constant},
                                                    {"periodic", LagKind::periodic},
                                                    {"unread", LagKind::unread},
                                                    {"burst", LagKind::burst},
                                                    {"gc", LagKind::gc},
                                                    {"hog", LagKind::hog},
                                                    {"sigstop", LagKind::sigstop},
                                                    {"trace", LagKind::trace}}};

// Keys of each kind, so that `stall` on a constant lag is an error and not a silent nothing.
constexpr std::array<Key, 4> kConstantKeys{{{"kind"}, {"rho"}, {"delay"}, {"phase"}}};
constexpr std::array<Key, 6> kPeriodicKeys{
    {{"kind"}, {"every"}, {"stall"}, {"rho"}, {"beyond_depth"}, {"phase"}}};
constexpr std::array<Key, 3> kUnreadKeys{{{"kind"}, {"frames"}, {"beyond_depth"}}};
constexpr std::array<Key, 3> kBurstKeys{{{"kind"}, {"reads"}, {"idle"}}};
constexpr std::array<Key, 6> kPauseKeys{
    {{"kind"}, {"rate"}, {"dist"}, {"median"}, {"sigma"}, {"cap"}}};
constexpr std::array<Key, 5> kHogKeys{{{"kind"}, {"cpus"}, {"duty"}, {"for"}, {"every"}}};
constexpr std::array<Key, 3> kStopKeys{{{"kind"}, {"at"}, {"for"}}};
constexpr std::array<Key, 2> kTraceKeys{{{"kind"}, {"file"}}};

constexpr double kWidestSigma = 5;
constexpr std::size_t kLongestTrace = 1'000'000;

constexpr std::int64_t kLargestUnread = 2 * static_cast<std::int64_t>(shm::Layout::kMaxDepth);

std::vector<int> read_cpus(const Field& field) {
  std::vector<int> cpus;
  for (const auto& item : field.list())
    cpus.push_back(static_cast<int>(item.count(0, CPU_SETSIZE - 1)));
  if (cpus.empty()) field.fail("no core; expected a list such as [2, 3]");
  return cpus;
}

Duration read_periods(const Field& periods, const ReaderContext& context) {
  const auto number = periods.decimal();
  if (!context.rate)
    periods.fail("is relative to the frame rate, which neither scenario nor bench gives; add rate");
  try {
    return times_period(number, *context.rate);
  } catch (const BadValue& e) {
    periods.fail(e.what());
  }
}

ConstantLag read_constant(const Section& lag, const ReaderContext& context) {
  ConstantLag constant;
  lag.take("delay", [&](const Field& delay) { constant.service = delay.duration(); });
  lag.take("rho", [&](const Field& rho) { constant.service = read_periods(rho, context); });
  lag.take("phase", [&](const Field& phase) {
    constant.phase = read_periods(phase, context);
    if (constant.phase >= context.rate->period())
      phase.fail("is a part of a frame period, 0 or more and less than 1");
  });
  lag.check([&] {
    if (lag.find("rho").has_value() == lag.find("delay").has_value())
      lag.fail("kind constant has exactly one of rho (in frame periods) and delay (a duration)");
  });
  return constant;
}

PeriodicLag read_periodic(const Section& lag, const ReaderContext& context) {
  static constexpr std::array<Choice<StallPhase>, 2> kPhases{
      {{"fixed", StallPhase::fixed}, {"sweep", StallPhase::sweep}}};
  PeriodicLag periodic;
  lag.take_needed("every", [&](const Field& every) { periodic.every = every.frames(); });
  lag.take("stall", [&](const Field& stall) { periodic.stall = stall.duration(); });
  lag.take("rho", [&](const Field& rho) { periodic.stall = read_periods(rho, context); });
  lag.take("beyond_depth", [&](const Field& beyond) {
    periodic.stall = read_periods(beyond, context) + context.rate->offset_of(context.fifo.depth);
  });
  lag.take("phase",
           [&](const Field& phase) { periodic.phase = phase.one_of<StallPhase>(kPhases); });
  lag.check([&] {
    const auto has = [&](std::string_view key) { return int{lag.find(key).has_value()}; };
    if (has("stall") + has("rho") + has("beyond_depth") != 1)
      lag.fail(
          "kind periodic has exactly one of stall (a duration), rho (in frame periods) and "
          "beyond_depth (in frame periods, on top of the depth's)");
  });
  return periodic;
}

UnreadLag read_unread(const Section& lag, const ReaderContext& context) {
  if (!lag.sound()) lag.field().fail_reported();
  const auto frames = lag.find("frames");
  const auto beyond = lag.find("beyond_depth");
  if (frames.has_value() == beyond.has_value())
    lag.fail("kind unread has exactly one of frames and beyond_depth (relative to the depth)");
  if (context.mode == Mode::sim)
    lag.fail(
        "kind unread exists in virtual time only, but the case runs in mode sim; give the "
        "scenario modes: [virtual]");
  UnreadLag unread;
  if (frames) {
    for (const auto& item : frames->list())
      unread.unread.push_back(item.count(1, static_cast<std::uint64_t>(kLargestUnread)));
  } else {
    for (const auto& item : beyond->list()) {
      const auto target = static_cast<std::int64_t>(context.fifo.depth) +
                          item.integer(-kLargestUnread, kLargestUnread);
      // At N = 1 "one less than the depth" is no lag at all: that entry has no meaning there.
      if (target >= 1) unread.unread.push_back(static_cast<std::uint64_t>(target));
    }
  }
  if (unread.unread.empty()) lag.fail("kind unread is left with no number of frames >= 1");
  return unread;
}

double sigma_of(const Field& field) {
  const Decimal value = field.decimal();
  const double sigma = static_cast<double>(value.mantissa) / std::pow(10.0, value.scale);
  if (sigma > kWidestSigma)
    field.fail(fmt::format("is of the logarithm, at most {}", kWidestSigma));
  return sigma;
}

PauseLag read_pauses(const Section& lag) {
  PauseLag pauses;
  lag.take("dist", [](const Field& dist) {
    if (dist.text() != "lognormal")
      dist.fail(fmt::format("pauses are lognormal, got {}", show(dist.text())));
  });
  lag.take_needed("rate", [&](const Field& rate) { pauses.rate_hz = rate.rate().hertz(); });
  lag.take_needed("median", [&](const Field& median) { pauses.median = median.duration(); });
  lag.take_needed("cap", [&](const Field& cap) { pauses.cap = cap.duration(); });
  lag.take("sigma", [&](const Field& sigma) { pauses.sigma = sigma_of(sigma); });
  lag.check([&] {
    if (pauses.cap < pauses.median) lag.need("cap").fail("is shorter than the median");
  });
  return pauses;
}

double duty_of(const Field& field) {
  double duty = 0;
  try {
    duty = static_cast<double>(parse_fraction(field.text()).value) * 1e-9;
  } catch (const BadValue& e) {
    field.fail(e.what());
  }
  if (!(duty > 0 && duty <= 1)) field.fail("is over 0% and at most 100%");
  return duty;
}

HogLag read_hog(const Section& lag) {
  HogLag hog;
  lag.take_needed("for", [&](const Field& span) { hog.spin = span.duration(); });
  lag.take_needed("every", [&](const Field& every) { hog.every = every.duration(); });
  lag.take("duty", [&](const Field& duty) { hog.duty = duty_of(duty); });
  lag.take("cpus", [&](const Field& cpus) { hog.cpus = read_cpus(cpus); });
  lag.check([&] {
    if (hog.every < hog.spin) lag.need("every").fail("is shorter than for");
  });
  return hog;
}

// One gap a line, with its unit; empty lines and lines that begin with # count for nothing.
TraceLag read_trace_lag(const Section& lag) {
  const Field file = lag.need("file");
  const auto path = std::filesystem::path(file.file()).parent_path() / file.text();
  std::ifstream in(path);
  if (!in)
    file.fail(fmt::format("cannot read {}; a relative path begins at the folder of this file",
                          show_path(path)));
  TraceLag trace;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    try {
      trace.gaps.push_back(parse_duration(line));
    } catch (const BadValue& e) {
      file.fail(fmt::format("{}, line {}: {}", show_path(path), number, e.what()));
    }
    if (trace.gaps.size() > kLongestTrace)
      file.fail(fmt::format("{} has more than {} gaps", show_path(path), kLongestTrace));
  }
  if (trace.gaps.empty()) file.fail(fmt::format("{} has no gap in it", show_path(path)));
  return trace;
}

Lag read_lag(const Field& field, const ReaderContext& context) {
  const Node* kind_node = field.node().kind == NodeKind::map ? field.node().find("kind") : nullptr;
  if (kind_node == nullptr) field.fail("expected a lag such as {kind: constant, delay: 3ms}");
  const Field kind = field.other(*kind_node, fmt::format("{}: kind", field.where()));
  switch (kind.one_of<LagKind>(kLagKinds)) {
    case LagKind::constant:
      return read_constant(Section(field, kConstantKeys), context);
    case LagKind::periodic:
      return read_periodic(Section(field, kPeriodicKeys), context);
    case LagKind::unread:
      return read_unread(Section(field, kUnreadKeys), context);
    case LagKind::burst: {
      const Section burst(field, kBurstKeys);
      BurstLag lag;
      burst.take_needed("reads", [&](const Field& reads) {
        lag.reads = reads.count(1, std::numeric_limits<std::uint32_t>::max());
      });
      burst.take_needed("idle", [&](const Field& idle) { lag.idle = idle.duration(); });
      return lag;
    }
    case LagKind::gc:
      return read_pauses(Section(field, kPauseKeys));
    case LagKind::hog:
      if (context.mode == Mode::virtual_time)
        field.fail("a competing process exists in real time only; give modes: [sim]");
      return read_hog(Section(field, kHogKeys));
    case LagKind::sigstop: {
      const Section stop(field, kStopKeys);
      StopLag lag;
      stop.take_needed("at", [&](const Field& at) { lag.at = at.duration(); });
      stop.take_needed("for", [&](const Field& span) { lag.span = span.duration(); });
      return lag;
    }
    case LagKind::trace:
      return read_trace_lag(Section(field, kTraceKeys));
  }
  kind.fail("has no meaning");
}

std::vector<Lag> read_lags(const Field& field, const ReaderContext& context) {
  std::vector<Lag> lags;
  for (const auto& item : field.list())
    item.gather([&] { lags.push_back(read_lag(item, context)); });
  const bool counts = std::any_of(lags.begin(), lags.end(), [](const Lag& lag) {
    return std::holds_alternative<UnreadLag>(lag);
  });
  if (counts && lags.size() > 1)
    field.fail("kind unread says when every call is made and so stands alone; remove the others");
  return lags;
}

bool counts_frames(const ReaderPlan& reader) {
  return !reader.lag.empty() && std::holds_alternative<UnreadLag>(reader.lag.front());
}

bool passes_time(const Lag& lag) {
  if (const auto* constant = std::get_if<ConstantLag>(&lag)) return constant->service.count() > 0;
  if (const auto* burst = std::get_if<BurstLag>(&lag)) return burst->idle.count() > 0;
  return false;
}

// Combinations that have no meaning, or that would never end.
void check_looks(const Section& section, const ReaderPlan& reader, const ReaderContext& context) {
  if (reader.looks != Looks::by_lag) {
    const Field looks = section.need("looks");
    const std::string word = looks.text();
    if (context.mode == Mode::sim)
      looks.fail(word +
                 " exists in virtual time only, but the case runs in mode sim; give the "
                 "scenario modes: [virtual]");
    if (reader.on_empty == OnEmpty::wait)
      looks.fail(word + " needs wait: false; a look between two steps must return");
    if (!reader.lag.empty() && !counts_frames(reader))
      looks.fail(word + " takes lag of kind unread only; remove one of the two");
  } else if (context.mode == Mode::virtual_time && reader.on_empty == OnEmpty::poll &&
             reader.poll.count() == 0 && !counts_frames(reader) &&
             std::none_of(reader.lag.begin(), reader.lag.end(), passes_time)) {
    section.fail("polls without a pause: virtual time would never move on; give poll, e.g. 10us");
  }
}

void check_rules(const Section& section, const ReaderPlan& reader) {
  if (reader.rules == Rules::reference && reader.mode != ReadMode::next)
    section.need("mode").fail("rules: reference know mode next only");
}

void read_mode_details(const Section& section, ReaderPlan& reader, const ReaderContext& context) {
  const auto history = section.find("history");
  const auto index = section.find("index");
  if (history && reader.mode != ReadMode::history) history->fail("belongs to mode: history");
  if (index && reader.mode != ReadMode::arbitrary) index->fail("belongs to mode: arbitrary");
  if (reader.mode == ReadMode::history) {
    static constexpr std::array<Key, 1> kKeys{{{"n"}}};
    const Field frames = Section(section.need("history"), kKeys).need("n");
    reader.history = static_cast<std::uint32_t>(frames.count(1, context.fifo.depth));
    if (reader.copying == Copying::in_place) section.fail("mode history copies; remove copy: zero");
  }
  if (reader.mode == ReadMode::arbitrary) {
    static constexpr std::array<Key, 1> kKeys{{{"lag"}}};
    const Field lag = Section(section.need("index"), kKeys).need("lag");
    reader.index_lag = static_cast<std::uint32_t>(lag.count(0, context.fifo.depth - 1));
  }
}

// A list, or one text with words between blanks.
std::vector<std::string> read_words(const Field& field) {
  std::vector<std::string> words;
  if (field.node().kind == NodeKind::list) {
    for (const auto& item : field.list()) words.push_back(item.text());
  } else {
    std::istringstream text(field.text());
    for (std::string word; text >> word;) words.push_back(word);
  }
  if (words.empty()) field.fail("no program; expected a list such as [./reader, \"{stream}\"]");
  return words;
}

void check_program(const Section& section, const ReaderPlan& reader, const ReaderContext& context) {
  const auto lang = section.find("lang");
  const auto exec = section.find("exec");
  if (exec && lang) exec->fail("is a program of its own; remove lang");
  const bool foreign = exec || reader.language != Language::cpp;
  if (foreign && reader.mode == ReadMode::mixed)
    section.fail("mode mixed is for readers of the bench itself; remove lang or exec");
  if (foreign && context.mode == Mode::virtual_time)
    section.fail(
        "a reader that is another program runs in real time only, but the case runs in "
        "mode virtual; give the scenario modes: [sim]");
}

void check_waiting(const Section& section, const ReaderPlan& reader) {
  const auto waiting = section.find("waiting");
  const auto semaphore = section.find("semaphore");
  if (semaphore && waiting) semaphore->fail("is a way of waiting; remove waiting");
  for (const auto* key : {"waiting", "semaphore"})
    if (const auto field = section.find(key); field && reader.on_empty == OnEmpty::poll)
      field->fail("belongs to a reader that waits; remove wait: false");
}

// `start: {at: 2s}` or `{frames: 500}`.
Duration read_start(const Field& field, const ReaderContext& context) {
  static constexpr std::array<Key, 2> kKeys{{{"at"}, {"frames"}}};
  const Section section(field, kKeys);
  Duration start{0};
  section.take("at", [&](const Field& at) { start = at.duration(); });
  section.take("frames", [&](const Field& frames) {
    if (!context.rate)
      frames.fail("needs the frame rate, which neither scenario nor bench gives; add rate");
    start = context.rate->offset_of(frames.count(0, std::numeric_limits<std::uint32_t>::max()));
  });
  section.check([&] {
    if (section.find("at").has_value() == section.find("frames").has_value())
      field.fail("has exactly one of at and frames");
  });
  return start;
}

void read_cpu(const Field& field, ReaderPlan& reader) {
  static constexpr std::array<Key, 4> kCpuKeys{{{"affinity"},
                                                {"sched", Support::later},
                                                {"prio", Support::later},
                                                {"mlock", Support::later}}};
  const Section section(field, kCpuKeys);
  section.take("affinity", [&](const Field& cpus) { reader.cpus = read_cpus(cpus); });
}

// Each key by itself.
void read_keys(const Section& section, ReaderPlan& reader, const ReaderContext& context) {
  section.take_needed("fifo", [&](const Field& fifo) {
    // A fifo without a name was complained of there.
    if (fifo.text() != context.fifo.name && !context.fifo.name.empty())
      fifo.fail(fmt::format("there is no fifo {}; the one of this scenario is {}",
                            show(fifo.text()), show(context.fifo.name)),
                {fifo.text(), {context.fifo.name}});
  });
  section.take("process", [](const Field& process) {
    static_cast<void>(process.one_of<Process>(kProcesses));
  });
  section.take("mode", [&](const Field& f) { reader.mode = f.one_of<ReadMode>(kReadModes); });
  section.take("rules", [&](const Field& f) { reader.rules = f.one_of<Rules>(kRules); });
  section.take("looks", [&](const Field& f) { reader.looks = f.one_of<Looks>(kLooks); });
  section.take(
      "wait", [&](const Field& f) { reader.on_empty = f.truth() ? OnEmpty::wait : OnEmpty::poll; });
  section.take("poll", [&](const Field& f) { reader.poll = f.duration(); });
  section.take("copy", [&](const Field& f) { reader.copying = f.one_of<Copying>(kCopying); });
  section.take("hold", [&](const Field& f) { reader.hold = f.duration(); });
  section.take("lag", [&](const Field& f) { reader.lag = read_lags(f, context); });
  section.take("start", [&](const Field& f) { reader.start = read_start(f, context); });
  section.take("on_overwrite",
               [&](const Field& f) { reader.on_overwrite = f.one_of<OnOverwrite>(kOnOverwrite); });
  section.take("cpu", [&](const Field& f) { read_cpu(f, reader); });
  section.take("lang", [&](const Field& f) { reader.language = f.one_of<Language>(kLanguages); });
  section.take("exec", [&](const Field& f) { reader.exec = read_words(f); });
  section.take("waiting", [&](const Field& f) { reader.waiting = f.one_of<shm::Wait>(kWaiting); });
  section.take("semaphore", [&](const Field& f) {
    reader.semaphore = static_cast<std::uint16_t>(f.count(0, shm::Layout::kSemaphores - 1));
  });
}

// Keys that need another one.
void check_companions(const Section& section, const ReaderPlan& reader) {
  if (const auto poll = section.find("poll"); poll && reader.on_empty == OnEmpty::wait)
    poll->fail("a waiting reader does not poll; add wait: false");
  if (const auto hold = section.find("hold"); hold && reader.copying == Copying::copy)
    hold->fail("only copy: zero holds pixels; add it");
}

ReaderPlan read_reader(const Field& field, const ReaderContext& context) {
  const Section section(field, kReaderKeys);
  ReaderPlan reader;
  section.take_needed("name", [&](const Field& name) { reader.name = name.name("_-"); });
  read_keys(section, reader, context);
  // What the keys mean together, as soon as each means something.
  if (!section.sound()) return reader;
  section.field().gather([&] { check_companions(section, reader); });
  section.field().gather([&] { read_mode_details(section, reader, context); });
  section.field().gather([&] { check_program(section, reader, context); });
  section.field().gather([&] { check_waiting(section, reader); });
  section.check([&] { check_looks(section, reader, context); });
  section.check([&] { check_rules(section, reader); });
  return reader;
}

}  // namespace

std::vector<ReaderPlan> read_readers(const Field& field, const ReaderContext& context) {
  std::vector<ReaderPlan> readers;
  const auto items = field.list();
  if (items.empty()) field.fail("no reader; a scenario has at least one");
  for (const auto& item : items) {
    item.gather([&] {
      auto& reader = readers.emplace_back();  // nameless, should nothing come of it
      reader = read_reader(called_by(item, "reader", "name"), context);
      for (std::size_t i = 0; i + 1 < readers.size(); ++i)
        if (!reader.name.empty() && readers[i].name == reader.name)
          item.fail(
              fmt::format("there is a reader {} already; names are unique", show(reader.name)));
    });
  }
  return readers;
}

}  // namespace daohil::hil::plan
