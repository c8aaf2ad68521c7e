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
                        bench.file, show(name), did_you_mean(name, names)));
}

}  // namespace

SourcePlan bind_source(const Field& field, const Bench& bench,
                       const std::filesystem::path& folder) {
  const Section section(field, kSourceKeys);
  const Field role = section.need("role");
  SourcePlan source;
  if (const auto driver = section.find("driver")) {
    source.role = role.name("_-");
    read_driver(Section(*driver, kDriverKeys), "kind", folder, source);
  } else {
    source = of_bench(role, bench);
  }
  read_format(section, source);
  if (const auto pacing = section.find("pacing")) {
    const Section pacing_section(*pacing, kPacingKeys);
    if (const auto late = pacing_section.find("on_late"))
      source.settings.on_late = read_on_late(*late);
  }
  if (const auto id = section.find("frame_id")) {
    static constexpr std::array<Key, 2> kIdKeys{{{"start"}, {"bits"}}};
    const Section id_section(*id, kIdKeys);
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    if (const auto bits = id_section.find("bits"))
      source.numbering.bits = static_cast<unsigned>(bits->count(8, 64));
    if (const auto start = id_section.find("start"))
      source.numbering.first =
          start->count(0, source.numbering.bits == 64 ? kMost : source.numbering.mask());
  }
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
