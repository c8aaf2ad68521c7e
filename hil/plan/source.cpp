#include "hil/plan/source.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <string>
#include <utility>

#include "hil/plan/device.hpp"
#include "hil/plan/show.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::array<Key, 11> kSourceKeys{{{"role"},
                                           {"driver"},
                                           {"shape"},
                                           {"dtype"},
                                           {"rate"},
                                           {"pacing"},
                                           {"exposure", Support::later},
                                           {"readout", Support::later},
                                           {"frame_id"},
                                           {"stamp", Support::later},
                                           {"jitter", Support::later}}};

constexpr std::array<Key, 9> kDriverKeys{{{"kind"},
                                          {"file"},
                                          {"loop"},
                                          {"sha256"},
                                          {"model", Support::later},
                                          {"pattern", Support::later},
                                          {"precompute", Support::later},
                                          {"usb", Support::later},
                                          {"timing", Support::later}}};

constexpr std::array<Key, 2> kPacingKeys{{{"on_late"}, {"clock", Support::later}}};

SourcePlan of_bench(const Field& role, const Bench& bench) {
  const auto name = role.name("_-");
  const auto bound = bench.roles.find(name);
  if (bound != bench.roles.end()) return bound->second;
  std::vector<std::string_view> names;
  for (const auto& entry : bench.roles) names.push_back(entry.first);
  role.fail(fmt::format("bench {} has no role {}{}; add it there or give the source a driver",
                        bench.file, show(name), did_you_mean(name, names)),
            {name, names});
}

void read_pacing(const Field& field, SourcePlan& source) {
  const Section section(field, kPacingKeys);
  section.take("on_late", [&](const Field& f) { source.settings.on_late = read_on_late(f); });
}

void read_numbering(const Field& field, drivers::FrameNumbering& numbering) {
  static constexpr std::array<Key, 2> kIdKeys{{{"start"}, {"bits"}}};
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const Section section(field, kIdKeys);
  section.take("bits", [&](const Field& bits) {
    numbering.bits = static_cast<unsigned>(bits.count(8, 64));
  });
  section.take("start", [&](const Field& start) {
    numbering.first = start.count(0, numbering.bits == 64 ? kMost : numbering.mask());
  });
}

}  // namespace

SourcePlan bind_source(const Field& field, const Bench& bench,
                       const std::filesystem::path& folder) {
  const Section section(field, kSourceKeys);
  SourcePlan source;
  section.take_needed("role", [&](const Field& role) {
    if (section.find("driver"))
      source.role = role.name("_-");
    else
      source = of_bench(role, bench);
  });
  section.take("driver", [&](const Field& driver) {
    read_driver(Section(driver, kDriverKeys), "kind", folder, source);
  });
  read_format(section, source);
  section.take("pacing", [&](const Field& pacing) { read_pacing(pacing, source); });
  section.take("frame_id", [&](const Field& id) { read_numbering(id, source.numbering); });
  return source;
}

Node source_node(const SourcePlan& source) {
  Node driver = Node::map();
  write_driver(source, "kind", driver);

  Node node = Node::map();
  node.set("role", Node::scalar(source.role));
  node.set("driver", std::move(driver));
  write_format(source, node);
  Node pacing = Node::map();
  pacing.set("on_late", on_late_node(source.settings.on_late));
  node.set("pacing", std::move(pacing));
  if (!source.numbering.is_plain()) {
    Node id = Node::map();
    id.set("start", Node::scalar(std::to_string(source.numbering.first)));
    id.set("bits", Node::scalar(std::to_string(source.numbering.bits)));
    node.set("frame_id", std::move(id));
  }
  return node;
}

}  // namespace daohil::hil::plan
