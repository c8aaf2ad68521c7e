#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "drivers/error.hpp"
#include "drivers/registry.hpp"
#include "drivers/usb/transport.hpp"
#include "hil/plan/bench.hpp"
#include "hil/plan/problem.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

using drivers::usb::AttachedCamera;
using nlohmann::ordered_json;

struct Attached {
  std::vector<AttachedCamera> cameras;
  std::string trouble;  ///< why nothing can be attached; else empty
};

Attached find_attached() {
  try {
    return {drivers::usb::Context().cameras(), {}};
  } catch (const drivers::Error& error) {
    return {{}, error.what()};
  }
}

std::vector<hil::plan::Bench> benches_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<hil::plan::Bench> benches;
  hil::plan::Problems problems;
  for (const auto& file : files)
    problems.gather([&] { benches.push_back(hil::plan::load_bench(file, problems)); });
  problems.throw_if_any();
  return benches;
}

std::string ids(const AttachedCamera& camera) {
  return fmt::format("{:04x}:{:04x}", camera.vendor_id, camera.product_id);
}

ordered_json json_of(const AttachedCamera& camera) {
  return {{"driver", "usb"},
          {"serial", camera.serial},
          {"vendor", camera.vendor},
          {"model", camera.model},
          {"firmware", camera.version},
          {"guid", camera.guid},
          {"ids", ids(camera)},
          {"place", camera.place},
          {"speed", camera.speed},
          {"usable", camera.trouble.empty()},
          {"trouble", camera.trouble}};
}

ordered_json json_of(const hil::plan::Bench& bench) {
  ordered_json roles = ordered_json::object();
  for (const auto& [role, source] : bench.roles)
    roles[role] = {{"driver", source.kind}, {"device", source.settings.device}};
  return {{"name", bench.name}, {"file", bench.file}, {"roles", roles}};
}

void print_all(const Attached& attached, const std::vector<hil::plan::Bench>& benches) {
  constexpr auto kRow = "{:<16} {:<28} {:<10} {:<10} {:<11} {:<6} {}\n";
  if (attached.cameras.empty())
    fmt::print("no camera is attached{}\n",
               attached.trouble.empty() ? std::string() : ": " + attached.trouble);
  else
    fmt::print(kRow, "serial", "camera", "firmware", "ids", "speed", "driver", "place");
  for (const AttachedCamera& camera : attached.cameras) {
    fmt::print(kRow, camera.serial, camera.vendor + " " + camera.model, camera.version, ids(camera),
               camera.speed, "usb", camera.place);
    if (!camera.trouble.empty()) fmt::print("  {}\n", camera.trouble);
  }
  fmt::print("\n{:<16} {:<10} {:<8} {}\n", "bench", "role", "driver", "file");
  for (const auto& bench : benches)
    for (const auto& [role, source] : bench.roles)
      fmt::print("{:<16} {:<10} {:<8} {}\n", bench.name, role, source.kind, bench.file);
}

enum class Output { text, json };

int devices(const std::filesystem::path& folder, Output output) {
  const Attached attached = find_attached();
  const auto benches = benches_in(folder);
  if (output == Output::text) {
    print_all(attached, benches);
    return 0;
  }
  ordered_json json{{"attached", ordered_json::array()},
                    {"trouble", attached.trouble},
                    {"benches", ordered_json::array()},
                    {"drivers", ordered_json::array()}};
  for (const AttachedCamera& camera : attached.cameras) json["attached"].push_back(json_of(camera));
  for (const auto& bench : benches) json["benches"].push_back(json_of(bench));
  for (const auto kind : drivers::camera_kinds()) json["drivers"].push_back(std::string(kind));
  print_json(json);
  return 0;
}

}  // namespace

void add_devices(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "devices", "List USB3 Vision cameras that are attached, and the benches there are");
  struct Arguments {
    std::filesystem::path folder = "scenarios/benches";
    Output output = Output::text;
  };
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("--benches", arguments->folder, "Folder of bench files")
      ->capture_default_str()
      ->type_name("FOLDER");
  verb->add_flag_callback(
      "--json", [arguments] { arguments->output = Output::json; }, "As JSON on standard output");
  verb->callback([&chosen, arguments] {
    chosen = [arguments] { return devices(arguments->folder, arguments->output); };
  });
}

}  // namespace daohil::tools
