#include "hil/plan/header.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "hil/plan/planner.hpp"
#include "hil/plan/show.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::string_view kApiVersion = "hil/v1";
constexpr std::uint64_t kMaxAttempts = 100;

enum class Word { present };  // for choices whose word is all there is to know

constexpr std::array<Choice<Word>, 9> kGroups{{{"acceptance", Word::present},
                                               {"lag", Word::present},
                                               {"overwrite", Word::present},
                                               {"depth", Word::present},
                                               {"faults", Word::present},
                                               {"soak", Word::present},
                                               {"loop", Word::present},
                                               {"replay", Word::present},
                                               {"host", Word::present}}};

constexpr std::array<Choice<Severity>, 2> kSeverities{
    {{"mandatory", Severity::mandatory}, {"advisory", Severity::advisory}}};

// A scenario may list `real` today, so that one file serves every version and place.
constexpr std::array<Choice<std::optional<Mode>>, 3> kModes{
    {{"virtual", Mode::virtual_time}, {"sim", Mode::sim}, {"real", std::nullopt}}};

constexpr std::array<Key, 3> kRequiresKeys{{{"features"}, {"host_class"}, {"cores"}}};
constexpr std::array<Key, 3> kTimeoutKeys{{{"setup"}, {"run"}, {"teardown"}}};
constexpr std::array<Key, 2> kAttemptKeys{{{"max"}, {"on"}}};

void read_modes(const Field& field, Header& header) {
  const auto items = field.list();
  if (items.empty()) field.fail("no mode; list virtual, sim or both");
  for (const auto& item : items) {
    item.gather([&] {
      const auto mode = item.one_of<std::optional<Mode>>(kModes);
      const auto word = item.text();
      auto& words = header.mode_words;
      if (std::find(words.begin(), words.end(), word) != words.end())
        item.fail(fmt::format("mode {} is listed twice", word));
      words.push_back(word);
      if (mode) header.modes.push_back(*mode);
    });
  }
}

Duration positive(const Field& field) {
  const auto duration = field.duration();
  if (duration.count() == 0) field.fail("must be longer than nothing");
  return duration;
}

void read_timeouts(const Field& field, Timeouts& timeouts) {
  const Section section(field, kTimeoutKeys);
  section.take("setup", [&](const Field& span) { timeouts.setup = positive(span); });
  section.take("run", [&](const Field& span) { timeouts.run = positive(span); });
  section.take("teardown", [&](const Field& span) { timeouts.teardown = positive(span); });
}

void read_retry(const Field& verdict, Header& header) {
  if (verdict.text() == "FAIL")
    verdict.fail("a FAIL is never retried; only ERROR and INCONCLUSIVE are");
  static constexpr std::array<Choice<bool Retries::*>, 2> kVerdicts{
      {{"ERROR", &Retries::errors}, {"INCONCLUSIVE", &Retries::inconclusive}}};
  header.retries.*verdict.one_of<bool Retries::*>(kVerdicts) = true;
}

void read_attempts(const Field& field, Header& header) {
  const Section section(field, kAttemptKeys);
  section.take("on", [&](const Field& on) {
    header.retries = {.inconclusive = false, .errors = false};
    for (const auto& verdict : on.list()) verdict.gather([&] { read_retry(verdict, header); });
  });
  section.take("max", [&](const Field& max) {
    header.attempts = static_cast<int>(max.count(1, kMaxAttempts));
  });
}

void read_requires(const Field& field, Header& header) {
  static constexpr std::array<Choice<HostClass>, 4> kClasses{{{"any", HostClass::any},
                                                              {"desktop", HostClass::desktop},
                                                              {"rt", HostClass::rt},
                                                              {"summit", HostClass::summit}}};
  const Section section(field, kRequiresKeys);
  section.take("cores", [&](const Field& cores) {
    header.cores = static_cast<unsigned>(cores.count(1, 4096));
  });
  section.take("host_class",
               [&](const Field& klass) { header.host_class = klass.one_of<HostClass>(kClasses); });
  section.take("features", [&](const Field& features) {
    for (const auto& item : features.list())
      item.gather([&] { header.features.push_back(item.name("._-")); });
  });
}

}  // namespace

std::vector<std::string_view> group_names() {
  std::vector<std::string_view> names;
  for (const auto& group : kGroups) names.push_back(group.word);
  return names;
}

void check_api_version(const Field& field) {
  if (field.text() != kApiVersion)
    field.fail(fmt::format("expected {}, got {}; this version reads no other", kApiVersion,
                           show(field.text())));
}

void check_kind(const Field& field, std::string_view kind) {
  if (field.text() != kind)
    field.fail(fmt::format("expected a file of kind {}, got {}", kind, show(field.text())));
}

void refuse_other(const Field& root, std::string_view kind) {
  if (const Node* node = root.node().find("kind")) check_kind(root.other(*node, "kind"), kind);
  if (const Node* node = root.node().find("apiVersion"))
    check_api_version(root.other(*node, "apiVersion"));
}

Header read_header(const Section& top) {
  Header header;
  top.take_needed("apiVersion", check_api_version);
  top.take_needed("kind", [](const Field& kind) { check_kind(kind, "Scenario"); });
  top.take_needed("id", [&](const Field& id) { header.id = id.name("._-"); });
  top.take_needed("title", [&](const Field& title) { header.title = title.text(); });
  top.take_needed("group", [&](const Field& group) {
    static_cast<void>(group.one_of<Word>(kGroups));
    header.group = group.text();
  });
  top.take("severity", [&](const Field& severity) {
    header.severity = severity.one_of<Severity>(kSeverities);
  });
  top.take("requirements", [&](const Field& requirements) {
    for (const auto& item : requirements.list())
      item.gather([&] { header.requirements.push_back(item.text()); });
  });
  top.take("requires", [&](const Field& needs) { read_requires(needs, header); });
  top.take_needed("modes", [&](const Field& modes) { read_modes(modes, header); });
  top.take("seed", [&](const Field& seed) {
    header.seed = seed.count(0, std::numeric_limits<std::uint64_t>::max());
  });
  top.take("timeouts", [&](const Field& spans) { read_timeouts(spans, header.timeouts); });
  top.take("attempts", [&](const Field& attempts) { read_attempts(attempts, header); });
  return header;
}

}  // namespace daohil::hil::plan
