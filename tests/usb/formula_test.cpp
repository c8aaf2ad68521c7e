#include "drivers/genicam/formula.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace daohil::drivers::genicam {
namespace {

Value lookup(std::string_view name) {
  if (name == "X") return std::int64_t{7};
  if (name == "Y") return 2.5;
  throw FormulaError("no variable " + std::string(name));
}

std::int64_t integer(std::string_view formula) {
  return std::get<std::int64_t>(evaluate(formula, Arithmetic::integer, lookup));
}
double real(std::string_view formula) {
  return std::get<double>(evaluate(formula, Arithmetic::real, lookup));
}

TEST(Formula, HasThePrecedenceOfC) {
  EXPECT_EQ(integer("2 + 3 * 4"), 14);
  EXPECT_EQ(integer("(2 + 3) * 4"), 20);
  EXPECT_EQ(integer("1 << 2 + 1"), 8);
  EXPECT_EQ(integer("6 & 3 == 3"), 0);  // 6 & (3 == 3)
  EXPECT_EQ(integer("1 | 6 ^ 4 & 12"), 3);
  EXPECT_EQ(integer("10 - 4 - 3"), 3);
  EXPECT_EQ(integer("-2 * -3"), 6);
  EXPECT_EQ(integer("~0"), -1);
  EXPECT_EQ(integer("2 ** 3 ** 2"), 512);
  EXPECT_EQ(integer("7 % 4"), 3);
}

TEST(Formula, ComparesWithTheSignsOfGenicam) {
  EXPECT_EQ(integer("X = 7"), 1);
  EXPECT_EQ(integer("X == 7"), 1);
  EXPECT_EQ(integer("X <> 7"), 0);
  EXPECT_EQ(integer("X >= 7 && X <= 7 || 0"), 1);
}

TEST(Formula, ChoosesAndDoesNotComputeTheOtherBranch) {
  EXPECT_EQ(integer("(X > 5) ? 1 : 2"), 1);
  EXPECT_EQ(integer("X < 5 ? 1 : X < 8 ? 2 : 3"), 2);
  EXPECT_EQ(integer("X = 0 ? 10 / 0 : 3"), 3);
  EXPECT_EQ(integer("X = 7 ? 3 : UNKNOWN"), 3);
}

TEST(Formula, ComputesIntegersAndRealsEachInItsWay) {
  EXPECT_EQ(integer("X / 2"), 3);
  EXPECT_EQ(real("X / 2"), 3.5);
  EXPECT_EQ(real("Y * 4"), 10);
  EXPECT_EQ(integer("0xFF & 0x0F"), 15);
  EXPECT_EQ(real("1.5e3"), 1500);
  EXPECT_EQ(integer("9007199254740993"), 9007199254740993);  // no double holds it
}

TEST(Formula, KnowsTheFunctions) {
  EXPECT_EQ(real("SQRT(16) + ABS(-2) + FLOOR(2.7) + CEIL(2.1)"), 4 + 2 + 2 + 3);
  EXPECT_EQ(real("SGN(-3)"), -1);
  EXPECT_EQ(real("NEG(3)"), -3);
  EXPECT_EQ(real("ROUND(2.345, 1)"), 2.3);
  EXPECT_EQ(real("TRUNC(-2.7)"), -2);
  EXPECT_DOUBLE_EQ(real("LN(EXP(2)) + LG(100)"), 4);
  EXPECT_NEAR(real("SIN(PI / 2) + COS(0)"), 2, 1e-12);
}

TEST(Formula, RefusesWhatItCannotCompute) {
  for (const char* formula : {"", "1 +", "(1", "1)", "1 2", "UNKNOWN", "1 / 0", "1 % 0", "1 << 64",
                              "1 << -1", "FOO(1)", "0x", "1 ? 2", "$", "0xFFFFFFFFFFFFFFFFF"})
    EXPECT_THROW((void)integer(formula), FormulaError) << formula;
  EXPECT_THROW((void)integer("EXP(100)"), FormulaError);  // does not fit
  EXPECT_THROW((void)integer_of(std::numeric_limits<double>::quiet_NaN()), FormulaError);
}

TEST(Formula, WrapsAroundWhereOthersWouldTrap) {
  EXPECT_EQ(integer("9223372036854775807 + 1"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(integer("(9223372036854775807 + 1) / -1"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(integer("(9223372036854775807 + 1) % -1"), 0);
}

TEST(Formula, BoundsItsNesting) {
  const std::string deep(100'000, '(');
  EXPECT_THROW((void)integer(deep + "1"), FormulaError);
  EXPECT_THROW((void)integer(std::string(100'000, '-') + "1"), FormulaError);
  EXPECT_THROW((void)integer(std::string(100'000, '~') + "1"), FormulaError);
}

}  // namespace
}  // namespace daohil::drivers::genicam
