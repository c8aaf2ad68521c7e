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
  section.take("on_late", [&](const Field& late) { source.settings.on_late = read_on_late(late); });
  return source;
}

void read_roles(const Field& roles, Bench& bench, const std::filesystem::path& folder) {
  const Node& node = roles.node();
  if (node.kind != NodeKind::map || node.keys.empty())
    roles.fail("expected a map of roles such as wfs: {driver: stamped}");
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    Node key = Node::scalar(node.keys[i].name);
    key.line = node.keys[i].line;
    key.column = node.keys[i].column;
    roles.gather([&] {
      const auto name = roles.other(key, "roles").name("_-");
      bench.roles.emplace(
          name, read_role(roles.other(node.items[i], "role '" + name + "'"), name, folder));
    });
  }
}

}  // namespace

Bench load_bench(const std::filesystem::path& file, Problems& problems) {
  const Document document = load_document(file);
  const Field root(document.file, document.root, {}, &problems);
  refuse_other(root, "Bench");
  const Section top(root, kBenchKeys);
  top.take_needed("kind", [](const Field&) {});  // looked at already
  Bench bench{document.file, {}, HostClass::desktop, {}, {}};
  top.take_needed("name", [&](const Field& name) { bench.name = name.name("._-"); });
  top.take("features", [&](const Field& features) {
    for (const auto& feature : features.list())
      feature.gather([&] { bench.features.push_back(feature.name("._-")); });
  });
  top.take("host_class", [&](const Field& klass) {
    static constexpr std::array<Choice<HostClass>, 3> kClasses{
        {{"desktop", HostClass::desktop}, {"rt", HostClass::rt}, {"summit", HostClass::summit}}};
    bench.host_class = klass.one_of<HostClass>(kClasses);
  });
  top.take_needed("roles",
                  [&](const Field& roles) { read_roles(roles, bench, file.parent_path()); });
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
  node.set("host_class", Node::scalar(std::string(name_of(bench.host_class))));
  node.set("roles", std::move(roles));
  return node;
}

}  // namespace daohil::hil::plan
