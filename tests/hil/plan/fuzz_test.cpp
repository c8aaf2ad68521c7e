#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "files.hpp"

// Whatever stands in a file, reading it ends with a plan or with one line that says what is wrong.
namespace daohil::hil::plan {
namespace {

using test::kScenarios;
using test::on;
using test::read;

constexpr std::uint32_t kSeed = 20261122;
constexpr int kEditsOfEach = 500;

// Fragments that mean something to YAML or to us reach deeper than random bytes do.
constexpr std::array<std::string_view, 30> kFragments{"${N}",
                                                      "${",
                                                      "}",
                                                      "{",
                                                      "[",
                                                      "]",
                                                      ": ",
                                                      "- ",
                                                      "\n",
                                                      "\n  ",
                                                      "\"",
                                                      "'",
                                                      "#",
                                                      "&a ",
                                                      "*a",
                                                      "!t ",
                                                      "|\n",
                                                      ">-\n",
                                                      "? ",
                                                      "~",
                                                      "null",
                                                      "-1",
                                                      "0",
                                                      "1e9",
                                                      "0.1ns",
                                                      "%",
                                                      "\t",
                                                      "---\n",
                                                      "9999999999999999999",
                                                      "9223372036854775807"};

class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_(seed) {}

  void edit(std::string& text) {
    const auto edits = 1 + below(4);
    for (std::size_t i = 0; i < edits && !text.empty(); ++i) edit_once(text);
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }

  void edit_once(std::string& text) {
    const auto at = below(text.size());
    const auto length = 1 + below(12);
    switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(below(256));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, kFragments[below(kFragments.size())]);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), 5 * length));
        break;
      case 4:
        text.replace(at, length, kFragments[below(kFragments.size())]);
        break;
      default:
        text[at] = static_cast<char>(text[at] ^ (1 << below(7)));
    }
  }

  std::mt19937 random_;
};

class Fuzz : public test::Files {
 protected:
  // True if it is a plan. Anything but a plan or a good Error fails the test.
  bool is_plan(const std::filesystem::path& scenario, const std::filesystem::path& bench,
               const std::string& mutated) const {
    try {
      const auto cases = make_plan({scenario}, on({bench}));
      EXPECT_FALSE(cases.empty());
      return true;
    } catch (const Error& e) {
      EXPECT_FALSE(e.problems().empty());
      for (const Problem& problem : e.problems()) {
        const std::string line = to_line(problem);
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
        EXPECT_NE(line.find(".yaml:"), std::string::npos) << line;
        EXPECT_LT(line.size(), 1000U) << line;
        EXPECT_GE(problem.line, 1) << line;
      }
      return false;
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what() << " from:\n" << mutated;
      return false;
    }
  }
};

TEST_F(Fuzz, ScenariosAndBenches) {
  const auto good_bench = kScenarios / "benches/shwfs20.yaml";
  const auto good_scenario = kScenarios / "depth.sizing.yaml";
  int plans = 0;
  int errors = 0;
  Mutator mutator(kSeed);
  // Beside the mutated benches, so that their `../data` still leads to the recording.
  std::filesystem::create_directory_symlink(kScenarios / "data", folder_ / "data");
  for (const std::string name :
       {"lag.constant.yaml", "ovw.exact-threshold.yaml", "depth.sizing.yaml",
        "replay.bit-exact.yaml", "benches/ocam2k.yaml", "benches/shwfs20.yaml"}) {
    const bool bench = name.starts_with("benches/");
    const std::string original = read(kScenarios / name);
    ASSERT_FALSE(original.empty()) << name;
    for (int i = 0; i < kEditsOfEach; ++i) {
      std::string text = original;
      mutator.edit(text);
      const auto file = write(bench ? "benches/mutant.yaml" : "mutant.yaml", text);
      const bool plan =
          bench ? is_plan(good_scenario, file, text) : is_plan(file, good_bench, text);
      ++(plan ? plans : errors);
      if (HasFailure()) FAIL() << name << ", edit " << i << ":\n" << text;
    }
  }
  // Both outcomes, in numbers: else the edits were all harmless or all fatal and tested little.
  EXPECT_GT(plans, 200);
  EXPECT_GT(errors, 1000);
}

}  // namespace
}  // namespace daohil::hil::plan
