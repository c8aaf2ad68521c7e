#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hil/plan/planner.hpp"

namespace daohil::hil::plan::test {

inline const std::filesystem::path kScenarios =
    std::filesystem::path(DAO_HIL_SOURCE_DIR) / "scenarios";

inline std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline PlanOptions on(std::vector<std::filesystem::path> benches, std::optional<Mode> mode = {},
                      std::optional<std::uint64_t> seed = {}) {
  return {std::move(benches), mode, seed, {}};
}
inline PlanOptions in_mode(Mode mode) { return on({}, mode); }
inline PlanOptions seeded(std::uint64_t seed) { return on({}, {}, seed); }
inline PlanOptions selecting(std::string text) { return {{}, {}, {}, std::move(text)}; }

/// A folder with a default bench, in which a test writes scenarios; removed at the end.
class Files : public ::testing::Test {
 protected:
  Files() {
    std::string name = (std::filesystem::temp_directory_path() / "dao-hil-plan-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(folder_ / "benches");
    write("benches/default.yaml", kBench);
  }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, std::string_view text) const {
    const auto file = folder_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

  [[nodiscard]] std::vector<Case> plan(std::string_view text, PlanOptions options = {}) const {
    return make_plan({write("x.yaml", text)}, options);
  }

  /// What make_plan says of the text, without the folder; "" when it has no complaint.
  [[nodiscard]] std::string complaint(std::string_view text, PlanOptions options = {}) const {
    try {
      static_cast<void>(plan(text, std::move(options)));
    } catch (const Error& e) {
      return without_folder(e.what());
    }
    return {};
  }

  [[nodiscard]] std::string without_folder(std::string text) const {
    const std::string prefix = folder_.string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

  static constexpr const char* kBench =
      "kind: Bench\n"
      "name: desk\n"
      "features: [wfs]\n"
      "roles:\n"
      "  wfs: {driver: stamped, shape: [8, 4], dtype: u16, rate: 2kHz}\n";

  std::filesystem::path folder_;
};

/// A whole and right scenario; its line numbers are what the tests assert.
inline const std::string kScenario =
    "apiVersion: hil/v1\n"                                          // 1
    "kind: Scenario\n"                                              // 2
    "id: lag.test\n"                                                // 3
    "title: A test\n"                                               // 4
    "group: lag\n"                                                  // 5
    "modes: [virtual, sim]\n"                                       // 6
    "sources:\n"                                                    // 7
    "  - role: wfs\n"                                               // 8
    "fifos:\n"                                                      // 9
    "  - name: wfs\n"                                               // 10
    "    from: wfs\n"                                               // 11
    "    depth: 8\n"                                                // 12
    "readers:\n"                                                    // 13
    "  - name: slow\n"                                              // 14
    "    fifo: wfs\n"                                               // 15
    "    lag: [{kind: constant, rho: 1.5}]\n"                       // 16
    "frames: 100\n"                                                 // 17
    "expect:\n"                                                     // 18
    "  - {id: x, metric: fifo.wfs.slow.identity, equals: true}\n";  // 19

/// `text` with the only occurrence of `from` replaced.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from << " is there twice";
  return text.replace(at, from.size(), to);
}

}  // namespace daohil::hil::plan::test
