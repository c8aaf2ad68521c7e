#include "hil/plan/readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "hil/plan/show.hpp"
#include "shm/layout.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::array<Key, 17> kReaderKeys{{{"name"},
                                           {"fifo"},
                                           {"process"},
                                           {"mode"},
                                           {"rules"},
                                           {"looks"},
                                           {"wait"},
                                           {"poll"},
                                           {"copy"},
                                           {"hold"},
                                           {"lag"},
                                           {"lang", Support::later},
                                           {"history", Support::later},
                                           {"index", Support::later},
                                           {"on_overwrite", Support::later},
                                           {"start", Support::later},
                                           {"cpu", Support::later}}};

enum class Process { separate, thread };
constexpr std::array<Choice<Process>, 2> kProcesses{
    {{"separate", Process::separate}, {"thread", Process::thread, Support::later}}};

constexpr std::array<Choice<ReadMode>, 4> kReadModes{{{"next", ReadMode::next},
                                                      {"newest", ReadMode::newest},
                                                      {"arbitrary", ReadMode::next, Support::later},
                                                      {"history", ReadMode::next, Support::later}}};

constexpr std::array<Choice<Rules>, 2> kRules{
    {{"verified", Rules::verified}, {"reference", Rules::reference}}};

constexpr std::array<Choice<Looks>, 2> kLooks{
    {{"by_lag", Looks::by_lag}, {"each_publication_step", Looks::at_each_publication_step}}};

constexpr std::array<Choice<Copying>, 2> kCopying{
    {{"copy", Copying::copy}, {"zero", Copying::in_place}}};

enum class LagKind { constant, periodic, unread, later };
constexpr std::array<Choice<LagKind>, 8> kLagKinds{{{"constant", LagKind::constant},
                                                    {"periodic", LagKind::periodic},
                                                    {"unread", LagKind::unread},
                                                    {"burst", LagKind::later, Support::later},
                                                    {"gc", LagKind::later, Support::later},
                                                    {"hog", LagKind::later, Support::later},
                                                    {"sigstop", LagKind::later, Support::later},
                                                    {"trace", LagKind::later, Support::later}}};

// Keys of each kind, so that `stall` on a constant lag is an error and not a silent nothing.
constexpr std::array<Key, 4> kConstantKeys{{{"kind"}, {"rho"}, {"delay"}, {"phase"}}};
constexpr std::array<Key, 4> kPeriodicKeys{{{"kind"}, {"every"}, {"stall"}, {"phase"}}};
constexpr std::array<Key, 3> kUnreadKeys{{{"kind"}, {"frames"}, {"beyond_depth"}}};

constexpr std::int64_t kLargestUnread = 2 * static_cast<std::int64_t>(shm::Layout::kMaxDepth);

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

PeriodicLag read_periodic(const Section& lag) {
  static constexpr std::array<Choice<StallPhase>, 2> kPhases{
      {{"fixed", StallPhase::fixed}, {"sweep", StallPhase::sweep}}};
  PeriodicLag periodic;
  periodic.every = lag.need("every").frames();
  periodic.stall = lag.need("stall").duration();
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

Lag read_lag(const Field& field, const ReaderContext& context) {
  const Node* kind_node = field.node().kind == NodeKind::map ? field.node().find("kind") : nullptr;
  if (kind_node == nullptr) field.fail("expected a lag such as {kind: constant, delay: 3ms}");
  const Field kind(field.file(), *kind_node, fmt::format("{}: kind", field.where()));
  switch (kind.one_of<LagKind>(kLagKinds)) {
    case LagKind::constant:
      return read_constant(Section(field, kConstantKeys), context);
    case LagKind::periodic:
      return read_periodic(Section(field, kPeriodicKeys));
    case LagKind::unread:
      return read_unread(Section(field, kUnreadKeys), context);
    case LagKind::later:
      break;
  }
  kind.fail(not_yet(kind.text()));
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
  const auto* constant = std::get_if<ConstantLag>(&lag);
  return constant != nullptr && constant->service.count() > 0;
}

// Combinations that have no meaning, or that would never end.
void check_looks(const Section& section, const ReaderPlan& reader, const ReaderContext& context) {
  if (reader.looks == Looks::at_each_publication_step) {
    const Field looks = section.need("looks");
    if (context.mode == Mode::sim)
      looks.fail(
          "each_publication_step exists in virtual time only, but the case runs in mode "
          "sim; give the scenario modes: [virtual]");
    if (reader.on_empty == OnEmpty::wait)
      looks.fail("each_publication_step needs wait: false; a look between two steps must return");
    if (!reader.lag.empty())
      looks.fail("each_publication_step takes no lag; remove one of the two");
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
