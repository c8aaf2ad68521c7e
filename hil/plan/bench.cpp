#include "hil/plan/bench.hpp"

#include <array>
#include <utility>

#include "hil/plan/device.hpp"
#include "hil/plan/document.hpp"
#include "hil/plan/fields.hpp"
#include "hil/plan/header.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::array<Key, 9> kBenchKeys{{{"apiVersion"},
                                         {"kind"},
                                         {"name"},
                                         {"features"},
                                         {"roles"},
                                         {"host_class"},
                                         {"isolation", Support::later},
                                         {"operator", Support::later},
                                         {"safety", Support::later}}};

constexpr std::array<Key, 15> kRoleKeys{{{"driver"},
                                         {"file"},
                                         {"loop"},
                                         {"shape"},
                                         {"dtype"},
                                         {"rate"},
                                         {"on_late"},
                                         {"sha256"},
                                         {"model", Support::later},
                                         {"pattern", Support::later},
                                         {"usb"},
                                         {"fifo", Support::later},
                                         {"calibration", Support::later},
                                         {"flat", Support::later},
                                         {"max_stroke", Support::later}}};

SourcePlan read_role(const Field& field, const std::string& name,
                     const std::filesystem::path& folder) {
  const Section section(field, kRoleKeys);
  SourcePlan source;
  source.role = name;
  read_driver(section, "driver", folder, source);
  if (const auto usb = section.find("usb")) read_usb(*usb, source);
  read_format(section, source);
  if (const auto late = section.find("on_late")) source.settings.on_late = read_on_late(*late);
  return source;
}

}  // namespace

Bench load_bench(const std::filesystem::path& file) {
  const Document document = load_document(file);
  const Section top(Field(document.file, document.root, {}), kBenchKeys);
  if (const auto version = top.find("apiVersion")) check_api_version(*version);
  check_kind(top.need("kind"), "Bench");

  Bench bench{document.file, top.need("name").name("._-"), HostClass::desktop, {}, {}};
  if (const auto features = top.find("features"))
    for (const auto& feature : features->list()) bench.features.push_back(feature.name("._-"));

  if (const auto klass = top.find("host_class")) {
    static constexpr std::array<Choice<HostClass>, 3> kClasses{
        {{"desktop", HostClass::desktop}, {"rt", HostClass::rt}, {"summit", HostClass::summit}}};
    bench.host_class = klass->one_of<HostClass>(kClasses);
  }

  const Field roles = top.need("roles");
  if (roles.node().kind != NodeKind::map || roles.node().keys.empty())
    roles.fail("expected a map of roles such as wfs: {driver: stamped}");
  for (std::size_t i = 0; i < roles.node().keys.size(); ++i) {
    Node key = Node::scalar(roles.node().keys[i].name);
    key.line = roles.node().keys[i].line;
    const auto name = Field(document.file, key, "roles").name("_-");
    const Field role(document.file, roles.node().items[i], "role '" + name + "'");
    bench.roles.emplace(name, read_role(role, name, file.parent_path()));
  }
  return bench;
}

Node bench_node(const Bench& bench) {
  std::vector<Node> features;
  for (const auto& feature : bench.features)
    features.push_back(Node::scalar(feature, Quoting::quoted));
  Node roles = Node::map();
  for (const auto& [name, source] : bench.roles) {
    Node role = Node::map();
    write_driver(source, "driver", role);
    write_usb(source, role);
    write_format(source, role);
    role.set("on_late", on_late_node(source.settings.on_late));
    roles.set(name, std::move(role));
  }
  Node node = Node::map();
  node.set("apiVersion", Node::scalar("hil/v1"));
  node.set("kind", Node::scalar("Bench"));
  node.set("name", Node::scalar(bench.name, Quoting::quoted));
  node.set("features", Node::list(std::move(features)));
  node.set("roles", std::move(roles));
  return node;
}

}  // namespace daohil::hil::plan
