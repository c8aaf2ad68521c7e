#include "hil/plan/device.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "drivers/registry.hpp"
#include "hil/plan/show.hpp"
#include "shm/error.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::size_t kSha256Digits = 64;

std::string read_kind(const Field& field) {
  const auto kind = field.text();
  const auto kinds = drivers::camera_kinds();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
    field.fail(fmt::format("expected a driver, one of {}, got {}{}", fmt::join(kinds, ", "),
                           show(kind), did_you_mean(kind, kinds)),
               {kind, {kinds.begin(), kinds.end()}});
  return kind;
}

std::filesystem::path read_file(const Field& field, const std::filesystem::path& base) {
  std::error_code error;
  const auto path = std::filesystem::absolute(base / field.text(), error).lexically_normal();
  if (error || !std::filesystem::is_regular_file(path, error))
    field.fail(fmt::format("no file {}; a relative path begins at the folder of this file",
                           show_path(path)));
  return path;
}

std::string read_sha256(const Field& field) {
  const auto digest = field.text();
  const bool good = digest.size() == kSha256Digits &&
                    digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!good)
    field.fail(fmt::format("expected {} lower-case hexadecimal digits, got {}", kSha256Digits,
                           show(digest)));
  return digest;
}

shm::Shape read_shape(const Field& field) {
  std::vector<std::uint32_t> axes;
  for (const auto& axis : field.list())
    axes.push_back(
        static_cast<std::uint32_t>(axis.count(1, std::numeric_limits<std::uint32_t>::max())));
  if (axes.empty() || axes.size() > shm::Shape::kMaxAxes)
    field.fail(fmt::format("expected 1 to {} axes such as [240, 240], got {}", shm::Shape::kMaxAxes,
                           axes.size()));
  return shm::Shape(axes);
}

shm::PixelType read_type(const Field& field) {
  static constexpr std::array<std::string_view, 12> kNames{
      "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "c64", "c128"};
  const auto name = field.text();
  const auto type = shm::pixel_type_named(name);
  if (!type)
    field.fail(fmt::format("expected a pixel type, one of {}, got {}{}", fmt::join(kNames, ", "),
                           show(name), did_you_mean(name, kNames)),
               {name, {kNames.begin(), kNames.end()}});
  return *type;
}

std::string text_of(shm::Rate rate) {
  const auto mhz = rate.millihertz();
  return mhz % 1000 == 0 ? fmt::format("{}Hz", mhz / 1000) : fmt::format("{}mHz", mhz);
}

std::string_view text_of(drivers::OnLate on_late) {
  switch (on_late) {
    case drivers::OnLate::skip:
      return "skip";
    case drivers::OnLate::burst:
      return "burst";
    case drivers::OnLate::shift:
      return "shift";
  }
  return "skip";
}

}  // namespace

void read_driver(const Section& section, std::string_view kind_key,
                 const std::filesystem::path& base, SourcePlan& into) {
  section.take_needed(kind_key, [&](const Field& kind) { into.kind = read_kind(kind); });
  // A driver that is not known may play a file or not.
  if (into.kind.empty()) return;
  // The one kind that plays a file. Elsewhere the key would be ignored, and a user misled.
  const bool plays = into.kind == "replay";
  if (!plays) {
    for (const auto* key : {"file", "loop", "sha256"})
      section.take(key, [&](const Field& field) {
        field.fail(fmt::format("driver {} plays no file; remove it", into.kind));
      });
    return;
  }
  section.take_needed("file",
                      [&](const Field& file) { into.settings.file = read_file(file, base); });
  section.take("loop", [&](const Field& loop) {
    into.settings.at_end = loop.truth() ? drivers::AtEnd::loop : drivers::AtEnd::stop;
  });
  section.take("sha256", [&](const Field& digest) { into.sha256 = read_sha256(digest); });
}

void read_usb(const Field& field, SourcePlan& into) {
  if (into.kind != "usb")
    field.fail(fmt::format("driver {} is no USB camera; remove it", into.kind));
  static constexpr std::array<Key, 2> kKeys{{{"device"}, {"features"}}};
  const Section section(field, kKeys);
  if (const auto device = section.find("device")) into.settings.device = device->text();
  const auto features = section.find("features");
  if (!features) return;
  const Node& map = features->node();
  if (map.kind != NodeKind::map)
    features->fail("expected a map of features such as {ExposureTime: 250, Gain: 0}");
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const std::string& name = map.keys[i].name;
    const Field value(field.file(), map.items[i], features->where() + "." + name);
    into.settings.features.push_back({name, value.text()});
  }
}

void read_format(const Section& section, SourcePlan& into) {
  auto& settings = into.settings;
  section.take("shape", [&](const Field& shape) { settings.shape = read_shape(shape); });
  section.take("dtype", [&](const Field& type) { settings.type = read_type(type); });
  section.take("rate", [&](const Field& rate) { settings.rate = rate.rate(); });
  if (!settings.shape || !settings.type) return;
  section.check([&] {
    try {
      static_cast<void>(shm::FrameFormat(*settings.shape, *settings.type));
    } catch (const shm::Error& e) {
      if (const auto shape = section.find("shape")) shape->fail(e.what());
      section.fail(e.what());
    }
  });
}

drivers::OnLate read_on_late(const Field& field) {
  static constexpr std::array<Choice<drivers::OnLate>, 3> kChoices{
      {{"skip", drivers::OnLate::skip},
       {"burst", drivers::OnLate::burst},
       {"shift", drivers::OnLate::shift}}};
  return field.one_of<drivers::OnLate>(kChoices);
}

void write_driver(const SourcePlan& source, const std::string& kind_key, Node& into) {
  const auto& settings = source.settings;
  into.set(kind_key, Node::scalar(source.kind));
  if (!settings.file.empty()) {
    into.set("file", Node::scalar(settings.file.string(), Quoting::quoted));
    into.set("loop", Node::scalar(settings.at_end == drivers::AtEnd::loop ? "true" : "false"));
  }
  if (!source.sha256.empty()) into.set("sha256", Node::scalar(source.sha256, Quoting::quoted));
}

void write_usb(const SourcePlan& source, Node& into) {
  const auto& settings = source.settings;
  if (settings.device.empty() && settings.features.empty()) return;
  Node usb = Node::map();
  if (!settings.device.empty()) usb.set("device", Node::scalar(settings.device, Quoting::quoted));
  Node features = Node::map();
  for (const auto& feature : settings.features)
    features.set(feature.name, Node::scalar(feature.value, Quoting::quoted));
  if (!settings.features.empty()) usb.set("features", std::move(features));
  into.set("usb", std::move(usb));
}

void write_format(const SourcePlan& source, Node& into) {
  const auto& settings = source.settings;
  if (settings.shape) {
    std::vector<Node> axes;
    for (std::size_t i = 0; i < settings.shape->axes(); ++i)
      axes.push_back(Node::scalar(std::to_string((*settings.shape)[i])));
    into.set("shape", Node::list(std::move(axes)));
  }
  if (settings.type) into.set("dtype", Node::scalar(std::string(shm::name_of(*settings.type))));
  if (settings.rate) into.set("rate", Node::scalar(text_of(*settings.rate)));
}

Node on_late_node(drivers::OnLate on_late) { return Node::scalar(std::string(text_of(on_late))); }

}  // namespace daohil::hil::plan
