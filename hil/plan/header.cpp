#include "hil/plan/header.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

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
  for (const auto& item : field.list()) {
    const auto mode = item.one_of<std::optional<Mode>>(kModes);
    const auto word = item.text();
    auto& words = header.mode_words;
    if (std::find(words.begin(), words.end(), word) != words.end())
      item.fail(fmt::format("mode {} is listed twice", word));
    words.push_back(word);
    if (mode) header.modes.push_back(*mode);
  }
  if (header.mode_words.empty()) field.fail("no mode; list virtual, sim or both");
}

Duration positive(const Field& field) {
  const auto duration = field.duration();
  if (duration.count() == 0) field.fail("must be longer than nothing");
  return duration;
}

Timeouts read_timeouts(const Field& field) {
  const Section section(field, kTimeoutKeys);
  Timeouts timeouts;
  if (const auto setup = section.find("setup")) timeouts.setup = positive(*setup);
  if (const auto run = section.find("run")) timeouts.run = positive(*run);
  if (const auto teardown = section.find("teardown")) timeouts.teardown = positive(*teardown);
  return timeouts;
}

int read_attempts(const Field& field, bool& retries_errors) {
  const Section section(field, kAttemptKeys);
  if (const auto on = section.find("on")) {
    for (const auto& verdict : on->list()) {
      // A retried FAIL would be hidden by a lucky PASS.
      if (verdict.text() == "FAIL")
        verdict.fail("a FAIL is never retried; only ERROR and INCONCLUSIVE are");
      static constexpr std::array<Choice<Word>, 2> kVerdicts{
          {{"ERROR", Word::present}, {"INCONCLUSIVE", Word::present}}};
      static_cast<void>(verdict.one_of<Word>(kVerdicts));
      if (verdict.text() == "ERROR") retries_errors = true;
    }
  }
  const auto max = section.find("max");
  return max ? static_cast<int>(max->count(1, kMaxAttempts)) : 1;
}

}  // namespace

void check_api_version(const Field& field) {
  if (field.text() != kApiVersion)
    field.fail(fmt::format("expected {}, got {}; this version reads no other", kApiVersion,
                           show(field.text())));
}

void check_kind(const Field& field, std::string_view kind) {
  if (field.text() != kind)
    field.fail(fmt::format("expected a file of kind {}, got {}", kind, show(field.text())));
}

Header read_header(const Section& top) {
  check_api_version(top.need("apiVersion"));
  check_kind(top.need("kind"), "Scenario");
  Header header;
  header.id = top.need("id").name("._-");
  header.title = top.need("title").text();
  const Field group = top.need("group");
  static_cast<void>(group.one_of<Word>(kGroups));
  header.group = group.text();
  if (const auto severity = top.find("severity"))
    header.severity = severity->one_of<Severity>(kSeverities);
  if (const auto requirements = top.find("requirements"))
    for (const auto& item : requirements->list()) header.requirements.push_back(item.text());
  if (const auto needs = top.find("requires")) {
    const Section section(*needs, kRequiresKeys);
    if (const auto cores = section.find("cores"))
      header.cores = static_cast<unsigned>(cores->count(1, 4096));
    if (const auto klass = section.find("host_class")) {
      static constexpr std::array<Choice<HostClass>, 4> kClasses{{{"any", HostClass::any},
                                                                  {"desktop", HostClass::desktop},
                                                                  {"rt", HostClass::rt},
                                                                  {"summit", HostClass::summit}}};
      header.host_class = klass->one_of<HostClass>(kClasses);
    }
    if (const auto features = section.find("features"))
      for (const auto& item : features->list()) header.features.push_back(item.name("._-"));
  }
  read_modes(top.need("modes"), header);
  if (const auto seed = top.find("seed"))
    header.seed = seed->count(0, std::numeric_limits<std::uint64_t>::max());
  if (const auto timeouts = top.find("timeouts")) header.timeouts = read_timeouts(*timeouts);
  if (const auto attempts = top.find("attempts"))
    header.attempts = read_attempts(*attempts, header.retries_errors);
  return header;
}

}  // namespace daohil::hil::plan
