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
  const auto rho = lag.find("rho");
  const auto delay = lag.find("delay");
  if (rho.has_value() == delay.has_value())
    lag.fail("kind constant has exactly one of rho (in frame periods) and delay (a duration)");
  ConstantLag constant;
  constant.service = delay ? delay->duration() : read_periods(*rho, context);
  if (const auto phase = lag.find("phase")) {
    constant.phase = read_periods(*phase, context);
    if (constant.phase >= context.rate->period())
      phase->fail("is a part of a frame period, 0 or more and less than 1");
  }
  return constant;
}

PeriodicLag read_periodic(const Section& lag, const ReaderContext& context) {
  static constexpr std::array<Choice<StallPhase>, 2> kPhases{
      {{"fixed", StallPhase::fixed}, {"sweep", StallPhase::sweep}}};
  PeriodicLag periodic;
  periodic.every = lag.need("every").frames();
  const auto stall = lag.find("stall");
  const auto rho = lag.find("rho");
  const auto beyond = lag.find("beyond_depth");
  if (int{stall.has_value()} + int{rho.has_value()} + int{beyond.has_value()} != 1)
    lag.fail(
        "kind periodic has exactly one of stall (a duration), rho (in frame periods) and "
        "beyond_depth (in frame periods, on top of the depth's)");
  if (stall) periodic.stall = stall->duration();
  if (rho) periodic.stall = read_periods(*rho, context);
  if (beyond)
    periodic.stall = read_periods(*beyond, context) + context.rate->offset_of(context.fifo.depth);
  if (const auto phase = lag.find("phase")) periodic.phase = phase->one_of<StallPhase>(kPhases);
  return periodic;
}

UnreadLag read_unread(const Section& lag, const ReaderContext& context) {
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

PauseLag read_pauses(const Section& lag) {
  if (const auto dist = lag.find("dist"); dist && dist->text() != "lognormal")
    dist->fail(fmt::format("pauses are lognormal, got {}", show(dist->text())));
  PauseLag pauses;
  pauses.rate_hz = lag.need("rate").rate().hertz();
  pauses.median = lag.need("median").duration();
  const Field cap = lag.need("cap");
  pauses.cap = cap.duration();
  if (pauses.cap < pauses.median) cap.fail("is shorter than the median");
  if (const auto sigma = lag.find("sigma")) {
    const Decimal value = sigma->decimal();
    pauses.sigma = static_cast<double>(value.mantissa) / std::pow(10.0, value.scale);
    if (pauses.sigma > kWidestSigma)
      sigma->fail(fmt::format("is of the logarithm, at most {}", kWidestSigma));
  }
  return pauses;
}

HogLag read_hog(const Section& lag) {
  HogLag hog;
  hog.spin = lag.need("for").duration();
  const Field every = lag.need("every");
  hog.every = every.duration();
  if (hog.every < hog.spin) every.fail("is shorter than for");
  if (const auto duty = lag.find("duty")) {
    try {
      hog.duty = static_cast<double>(parse_fraction(duty->text()).value) * 1e-9;
    } catch (const BadValue& e) {
      duty->fail(e.what());
    }
    if (!(hog.duty > 0 && hog.duty <= 1)) duty->fail("is over 0% and at most 100%");
  }
  if (const auto cpus = lag.find("cpus")) hog.cpus = read_cpus(*cpus);
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
  const Field kind(field.file(), *kind_node, fmt::format("{}: kind", field.where()));
  switch (kind.one_of<LagKind>(kLagKinds)) {
    case LagKind::constant:
      return read_constant(Section(field, kConstantKeys), context);
    case LagKind::periodic:
      return read_periodic(Section(field, kPeriodicKeys), context);
    case LagKind::unread:
      return read_unread(Section(field, kUnreadKeys), context);
    case LagKind::burst: {
      const Section burst(field, kBurstKeys);
      return BurstLag{burst.need("reads").count(1, std::numeric_limits<std::uint32_t>::max()),
                      burst.need("idle").duration()};
    }
    case LagKind::gc:
      return read_pauses(Section(field, kPauseKeys));
    case LagKind::hog:
      if (context.mode == Mode::virtual_time)
        field.fail("a competing process exists in real time only; give modes: [sim]");
      return read_hog(Section(field, kHogKeys));
    case LagKind::sigstop: {
      const Section stop(field, kStopKeys);
      return StopLag{stop.need("at").duration(), stop.need("for").duration()};
    }
    case LagKind::trace:
      return read_trace_lag(Section(field, kTraceKeys));
  }
  kind.fail("has no meaning");
}

std::vector<Lag> read_lags(const Field& field, const ReaderContext& context) {
  std::vector<Lag> lags;
  for (const auto& item : field.list()) lags.push_back(read_lag(item, context));
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

void read_program(const Section& section, ReaderPlan& reader, const ReaderContext& context) {
  const auto lang = section.find("lang");
  const auto exec = section.find("exec");
  if (lang) reader.language = lang->one_of<Language>(kLanguages);
  if (exec && lang) exec->fail("is a program of its own; remove lang");
  if (exec) reader.exec = read_words(*exec);
  const bool foreign = exec || reader.language != Language::cpp;
  if (foreign && reader.mode == ReadMode::mixed)
    section.fail("mode mixed is for readers of the bench itself; remove lang or exec");
  if (foreign && context.mode == Mode::virtual_time)
    section.fail(
        "a reader that is another program runs in real time only, but the case runs in "
        "mode virtual; give the scenario modes: [sim]");
}

void read_waiting(const Section& section, ReaderPlan& reader) {
  const auto waiting = section.find("waiting");
  const auto semaphore = section.find("semaphore");
  if (waiting) reader.waiting = waiting->one_of<shm::Wait>(kWaiting);
  if (semaphore)
    reader.semaphore =
        static_cast<std::uint16_t>(semaphore->count(0, shm::Layout::kSemaphores - 1));
  if (semaphore && waiting) semaphore->fail("is a way of waiting; remove waiting");
  for (const auto* key : {"waiting", "semaphore"})
    if (const auto field = section.find(key); field && reader.on_empty == OnEmpty::poll)
      field->fail("belongs to a reader that waits; remove wait: false");
}

// `start: {at: 2s}` or `{frames: 500}`.
Duration read_start(const Field& field, const ReaderContext& context) {
  static constexpr std::array<Key, 2> kKeys{{{"at"}, {"frames"}}};
  const Section section(field, kKeys);
  const auto at = section.find("at");
  const auto frames = section.find("frames");
  if (at.has_value() == frames.has_value()) field.fail("has exactly one of at and frames");
  if (at) return at->duration();
  if (!context.rate)
    frames->fail("needs the frame rate, which neither scenario nor bench gives; add rate");
  return context.rate->offset_of(frames->count(0, std::numeric_limits<std::uint32_t>::max()));
}

ReaderPlan read_reader(const Field& field, const ReaderContext& context) {
  const Section section(field, kReaderKeys);
  ReaderPlan reader;
  reader.name = section.need("name").name("_-");
  const Field fifo = section.need("fifo");
  if (fifo.text() != context.fifo.name)
    fifo.fail(fmt::format("there is no fifo {}; the one of this scenario is {}", show(fifo.text()),
                          show(context.fifo.name)));
  if (const auto process = section.find("process"))
    static_cast<void>(process->one_of<Process>(kProcesses));
  if (const auto mode = section.find("mode")) reader.mode = mode->one_of<ReadMode>(kReadModes);
  if (const auto rules = section.find("rules")) reader.rules = rules->one_of<Rules>(kRules);
  if (const auto looks = section.find("looks")) reader.looks = looks->one_of<Looks>(kLooks);
  if (const auto wait = section.find("wait"))
    reader.on_empty = wait->truth() ? OnEmpty::wait : OnEmpty::poll;
  if (const auto poll = section.find("poll")) {
    reader.poll = poll->duration();
    if (reader.on_empty == OnEmpty::wait)
      poll->fail("a waiting reader does not poll; add wait: false");
  }
  if (const auto copy = section.find("copy")) reader.copying = copy->one_of<Copying>(kCopying);
  if (const auto hold = section.find("hold")) {
    reader.hold = hold->duration();
    if (reader.copying == Copying::copy) hold->fail("only copy: zero holds pixels; add it");
  }
  if (const auto lag = section.find("lag")) reader.lag = read_lags(*lag, context);
  read_mode_details(section, reader, context);
  read_program(section, reader, context);
  read_waiting(section, reader);
  if (const auto start = section.find("start")) reader.start = read_start(*start, context);
  if (const auto policy = section.find("on_overwrite"))
    reader.on_overwrite = policy->one_of<OnOverwrite>(kOnOverwrite);
  if (const auto cpu = section.find("cpu")) {
    static constexpr std::array<Key, 4> kCpuKeys{{{"affinity"},
                                                  {"sched", Support::later},
                                                  {"prio", Support::later},
                                                  {"mlock", Support::later}}};
    const Section cpu_section(*cpu, kCpuKeys);
    if (const auto cpus = cpu_section.find("affinity")) reader.cpus = read_cpus(*cpus);
  }
  check_looks(section, reader, context);
  check_rules(section, reader);
  return reader;
}

}  // namespace

std::vector<ReaderPlan> read_readers(const Field& field, const ReaderContext& context) {
  std::vector<ReaderPlan> readers;
  for (const auto& item : field.list()) {
    auto reader = read_reader(called_by(item, "reader", "name"), context);
    for (const auto& earlier : readers)
      if (earlier.name == reader.name)
        item.fail(fmt::format("there is a reader {} already; names are unique", show(reader.name)));
    readers.push_back(std::move(reader));
  }
  if (readers.empty()) field.fail("no reader; a scenario has at least one");
  return readers;
}

}  // namespace daohil::hil::plan
