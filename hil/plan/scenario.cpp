#include "hil/plan/scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "hil/plan/expect.hpp"
#include "hil/plan/faults.hpp"
#include "hil/plan/fields.hpp"
#include "hil/plan/host_checks.hpp"
#include "hil/plan/metrics.hpp"
#include "hil/plan/readers.hpp"
#include "hil/plan/seed.hpp"
#include "hil/plan/show.hpp"
#include "hil/plan/source.hpp"
#include "shm/layout.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::array<Key, 26> kTopKeys{{{"apiVersion"},
                                        {"kind"},
                                        {"id"},
                                        {"title"},
                                        {"group"},
                                        {"severity"},
                                        {"requirements"},
                                        {"requires"},
                                        {"modes"},
                                        {"seed"},
                                        {"timeouts"},
                                        {"attempts"},
                                        {"matrix"},
                                        {"sources"},
                                        {"fifos"},
                                        {"readers"},
                                        {"frames"},
                                        {"duration"},
                                        {"expect"},
                                        {"sweep"},
                                        {"warmup"},
                                        {"sinks"},
                                        {"faults"},
                                        {"checks"},
                                        {"until", Support::later},
                                        {"sampling", Support::later}}};

constexpr std::array<Key, 10> kFifoKeys{{{"name"},
                                         {"from"},
                                         {"depth"},
                                         {"perms"},
                                         {"shape", Support::later},
                                         {"dtype", Support::later},
                                         {"create", Support::later},
                                         {"sync", Support::later},
                                         {"integrity", Support::later},
                                         {"huge_pages", Support::later}}};

constexpr std::uint64_t kDefaultSeed = 1;
// A case's folder of evidence is named after it, with ".attempt-100" at most behind; file names end
// at 255 bytes.
constexpr std::size_t kLongestId = 240;
constexpr std::uint64_t kMostFrames = 1'000'000'000'000'000;
// Times are counted in nanoseconds of 64 bits, which last 292 years.
constexpr double kLongestRunSeconds = 100.0 * 365.25 * 86400;

// This version runs one source and one fifo; the format has lists, so that files stay as they are
// when it runs more.
Field only_one(const Field& list, std::string_view noun) {
  const auto items = list.list();
  if (items.empty()) list.fail(fmt::format("no {}; a scenario has one", noun));
  if (items.size() > 1)
    items[1].gather([&] {
      items[1].fail(fmt::format("a second {}; this version runs exactly one in a scenario", noun));
    });
  return items.front();
}

mode_t read_permissions(const Field& field) {
  const auto text = field.text();
  const bool octal = (text.size() == 3 || (text.size() == 4 && text.front() == '0')) &&
                     text.find_first_not_of("01234567") == std::string::npos;
  // Quotes, because YAML 1.1 readers take a bare 0660 for the number 432.
  if (!octal || field.node().quoting == Quoting::plain)
    field.fail(fmt::format("expected quoted octal digits such as \"0660\", got {}", show(text)));
  return static_cast<mode_t>(std::stoul(text, nullptr, 8));
}

FifoPlan read_fifo(const Field& field, const std::string& role) {
  const Section section(called_by(field, "fifo", "name"), kFifoKeys);
  FifoPlan fifo;
  section.take_needed("name", [&](const Field& name) { fifo.name = name.name("_-"); });
  section.take_needed("from", [&](const Field& from) {
    // A source without a role was complained of there.
    if (from.text() != role && !role.empty())
      from.fail(fmt::format("there is no source {}; the one of this scenario is {}",
                            show(from.text()), show(role)),
                {from.text(), {role}});
  });
  fifo.depth = shm::Layout::kMaxDepth;  // until it is known, nothing is too much for it
  section.take_needed("depth", [&](const Field& depth) {
    fifo.depth = static_cast<std::uint32_t>(depth.count(1, shm::Layout::kMaxDepth));
  });
  section.take("perms", [&](const Field& perms) { fifo.mode = read_permissions(perms); });
  return fifo;
}

std::uint64_t read_length(const Section& top, const SourcePlan& source) {
  const auto frames = top.find("frames");
  const auto duration = top.find("duration");
  if (top.misspelt("frames") || top.misspelt("duration")) top.field().fail_reported();
  if (frames.has_value() == duration.has_value())
    top.fail("a scenario has exactly one of frames and duration");
  if (frames) {
    const auto n = frames->count(1, kMostFrames);
    if (source.settings.rate &&
        static_cast<double>(n) / source.settings.rate->hertz() > kLongestRunSeconds)
      frames->fail(fmt::format("{} frames at {:.6g} Hz take more than 100 years", n,
                               source.settings.rate->hertz()));
    return n;
  }
  const auto span = duration->duration();
  if (!source.settings.rate)
    duration->fail(
        "needs the frame rate, which neither scenario nor bench gives; add rate or "
        "give frames instead");
  const auto n = frames_in(span, *source.settings.rate);
  if (n > kMostFrames) duration->fail(fmt::format("{} frames, {} at most", n, kMostFrames));
  return std::max<std::uint64_t>(1, n);
}

struct Chosen {
  Mode mode = Mode::virtual_time;
  std::string skip;
};

// Real time is what the bench is for; virtual time where nothing else is listed.
Chosen choose_mode(const Header& header, const std::optional<Mode>& wish) {
  const auto& modes = header.modes;
  const auto listed = [&](Mode mode) {
    return std::find(modes.begin(), modes.end(), mode) != modes.end();
  };
  if (wish && listed(*wish)) return {*wish, {}};
  if (wish)
    return {*wish, fmt::format("mode {}: the scenario has modes [{}]", name_of(*wish),
                               fmt::join(header.mode_words, ", "))};
  if (listed(Mode::sim)) return {Mode::sim, {}};
  if (listed(Mode::virtual_time)) return {Mode::virtual_time, {}};
  return {Mode::sim, fmt::format("this version runs none of the scenario's modes [{}]",
                                 fmt::join(header.mode_words, ", "))};
}

std::string missing_features(const Header& header, const Bench& bench, Mode mode) {
  std::vector<std::string> missing;
  for (const auto& feature : header.features)
    if (std::find(bench.features.begin(), bench.features.end(), feature) == bench.features.end())
      missing.push_back(feature);
  if (!missing.empty())
    return fmt::format("bench {} lacks {}", bench.name, fmt::join(missing, ", "));
  if (header.host_class > bench.host_class)
    return fmt::format("needs a host of class {}, bench {} says {}", name_of(header.host_class),
                       bench.name, name_of(bench.host_class));
  const unsigned cores = std::thread::hardware_concurrency();
  if (mode != Mode::virtual_time && cores < header.cores)
    return fmt::format("needs {} cores, this host has {}", header.cores, cores);
  return {};
}

void check_run_time(const Section& top, const Case& c) {
  const auto& rate = c.source.settings.rate;
  if (c.mode != Mode::sim || !rate) return;
  if (frames_in(c.timeouts.run, *rate) >= c.frames) return;
  const double seconds = static_cast<double>(c.frames) / rate->hertz();
  const auto length = top.find("frames") ? top.need("frames") : top.need("duration");
  length.fail(fmt::format("{} frames take {:.3g}s, longer than timeouts: run of {:.3g}s; raise it",
                          c.frames, seconds,
                          std::chrono::duration<double>(c.timeouts.run).count()));
}

// Files that lags name are then found from wherever the evidence lies.
void absolute_files(Node& root, const std::filesystem::path& folder) {
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    if (root.keys[i].name != "readers") continue;
    for (Node& reader : root.items[i].items) {
      for (std::size_t k = 0; k < reader.keys.size(); ++k) {
        if (reader.keys[k].name != "lag") continue;
        for (Node& lag : reader.items[k].items)
          if (const Node* name = lag.find("file"))
            lag.set("file", Node::scalar(std::filesystem::absolute(folder / name->text).string(),
                                         Quoting::quoted));
      }
    }
  }
}

// The same case again, from one file and on any bench of that name: the evidence of a run.
std::string resolved_text(Node root, const std::string& file, const Case& c,
                          const Combination& cell, std::uint64_t seed, bool mode_listed) {
  if (!cell.empty()) {
    Node matrix = Node::map();
    for (const auto& [name, value] : cell) matrix.set(name, Node::list({value}));
    root.set("matrix", std::move(matrix));
  }
  if (mode_listed) root.set("modes", Node::list({Node::scalar(std::string(name_of(c.mode)))}));
  root.erase("sweep");  // which compares this case with others
  absolute_files(root, std::filesystem::path(file).parent_path());
  root.set("seed", Node::scalar(std::to_string(seed)));
  if (!c.host) root.set("sources", Node::list({source_node(c.source)}));
  return fmt::format("# {}\n{}", c.id, to_yaml(root));
}

// A name as it stands there, right or wrong.
std::string written_name(const Section& top, std::string_view list, std::string_view key) {
  const Node* items = top.field().node().find(list);
  if (items == nullptr || items->kind != NodeKind::list || items->items.empty()) return {};
  const Node* name = items->items.front().find(key);
  return name != nullptr && name->kind == NodeKind::scalar ? name->text : std::string{};
}

SourcePlan read_source(const Section& top, const Bench& bench) {
  SourcePlan plan;
  const auto before = top.field().complaints();
  top.take_needed("sources", [&](const Field& sources) {
    const Field source = only_one(sources, "source");
    plan = bind_source(called_by(source, "source", "role"), bench,
                       std::filesystem::path(top.field().file()).parent_path());
  });
  // A role that the bench does not have: whatever the fifo calls it, so that what refers to it is
  // not complained of too.
  if (plan.role.empty()) plan.role = written_name(top, "fifos", "from");
  // What needs a rate has one, while it is not known which.
  if (top.field().complaints() != before && !plan.settings.rate)
    plan.settings.rate = shm::Rate::hertz(1000);
  return plan;
}

void read_claims(const Section& top, const Combination& cell, std::span<const Metric> metrics,
                 Case& c) {
  top.take_needed("expect", [&](const Field& expect) { c.expect = read_expect(expect, metrics); });
  top.take("sweep", [&](const Field& sweep) { c.sweep = read_sweep(sweep, metrics, cell); });
  for (SweepExpectation& sweep : c.sweep) {
    // What is not swept tells the sweeps of one scenario apart.
    Combination fixed;
    std::copy_if(cell.begin(), cell.end(), std::back_inserter(fixed),
                 [&](const Assignment& a) { return a.name != sweep.over; });
    sweep.case_id = fmt::format("{}/{}{}@{}", c.scenario, sweep.id, suffix_of(fixed), c.bench);
  }
}

bool all_named(const std::vector<ReaderPlan>& readers) {
  return !readers.empty() && std::none_of(readers.begin(), readers.end(),
                                          [](const auto& reader) { return reader.name.empty(); });
}

// What a scenario does, under the header that says who and where.
void read_body(const Section& top, const Combination& cell, const Bench& bench, Case& c) {
  const auto runs_in = c.skip.empty() ? std::optional(c.mode) : std::nullopt;
  if (top.find("checks")) {
    c.host = read_host_checks(top, bench, runs_in);
    if (!c.host->groups.empty()) read_claims(top, cell, metrics_of_host(c.host->groups), c);
    return;
  }
  c.source = read_source(top, bench);
  top.take_needed("fifos", [&](const Field& fifos) {
    c.fifo = read_fifo(only_one(fifos, "fifo"), c.source.role);
  });
  if (c.fifo.name.empty()) c.fifo.name = written_name(top, "fifos", "name");
  top.field().gather([&] { c.frames = read_length(top, c.source); });
  top.take_needed("readers", [&](const Field& readers) {
    c.readers = read_readers(readers, {c.fifo, c.source.settings.rate, runs_in});
  });
  top.take("faults", [&](const Field& faults) {
    c.faults = read_faults(faults, {c.source, c.readers, runs_in}, c.source.settings.rate_steps);
  });
  top.take("warmup", [&](const Field& warmup) {
    static constexpr std::array<Key, 1> kKeys{{{"frames"}}};
    const auto most = c.frames > 0 ? c.frames : kMostFrames;
    c.warmup = Section(warmup, kKeys).need("frames").count(0, most);
  });
  top.take("sinks", [](const Field& sinks) { sinks.fail_not_yet("sinks"); });
  if (c.skip.empty() && c.frames > 0) top.check([&] { check_run_time(top, c); });

  // Metrics are named after readers: with one of them unknown, any name could be right.
  if (!all_named(c.readers)) return;
  read_claims(top, cell, metrics_of(c.source.role, c.fifo.name, c.readers), c);
}

}  // namespace

Scenario load_scenario(const std::filesystem::path& file, Problems& problems) {
  Scenario scenario{load_document(file), {}, {}};
  const Field root(scenario.document.file, scenario.document.root, {}, &problems);
  refuse_other(root, "Scenario");
  const Section top(root, kTopKeys);
  const auto before = root.complaints();
  scenario.cells = std::vector<Combination>(1);
  top.take("matrix", [&](const Field& matrix) { scenario.cells = expand_matrix(matrix); });
  if (root.complaints() == before) refuse_unused(scenario.document, scenario.cells, &problems);

  const Node first = substituted(scenario.document, scenario.cells.front(), &problems);
  scenario.header =
      read_header(Section(Field(scenario.document.file, first, {}, &problems), kTopKeys));
  if (const Node* title = scenario.document.root.find("title")) scenario.header.title = title->text;
  return scenario;
}

Case make_case(const Scenario& scenario, const Combination& cell, const Bench& bench,
               const Wishes& wishes, Problems& problems) {
  const auto& file = scenario.document.file;
  Node root = substituted(scenario.document, cell, &problems);
  const Section top(Field(file, root, {}, &problems), kTopKeys);
  const Header header = read_header(top);
  const auto chosen = choose_mode(header, wishes.mode);

  Case c;
  c.scenario = header.id;
  c.id = fmt::format("{}{}@{}", header.id, suffix_of(cell), bench.name);
  top.take("id", [&](const Field& id) {
    if (c.id.size() > kLongestId)
      id.fail(
          fmt::format("with its variables and its bench a case has an id of {} characters, {} "
                      "at most, because it names a folder; shorten a name or a value",
                      c.id.size(), kLongestId));
  });
  c.title = header.title;
  c.group = header.group;
  c.bench = bench.name;
  c.severity = header.severity;
  c.requirements = header.requirements;
  for (const auto& [name, value] : cell) c.variables.emplace(name, value.text);
  c.mode = chosen.mode;
  c.timeouts = header.timeouts;
  c.host_class = header.host_class;
  c.attempts = header.attempts;
  c.retries = header.retries;
  const auto lacks = missing_features(header, bench, chosen.mode);
  c.skip = chosen.skip + (chosen.skip.empty() || lacks.empty() ? "" : "; ") + lacks;

  const auto mark = problems.mark();
  read_body(top, cell, bench, c);
  // What this version cannot run yet is no mistake in a case that this bench cannot run anyway.
  if (!c.skip.empty()) problems.forget_not_yet(mark);

  const auto seed = wishes.seed.value_or(header.seed.value_or(kDefaultSeed));
  c.seed = case_seed(seed, c.id);
  c.bench_text = to_yaml(bench_node(bench));
  c.resolved = resolved_text(root, file, c, cell, seed, chosen.skip.empty());
  return c;
}

}  // namespace daohil::hil::plan
