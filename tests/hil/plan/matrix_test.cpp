#include "hil/plan/matrix.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.hpp"

namespace daohil::hil::plan {
namespace {

std::vector<std::string> ids(std::string_view text) {
  const auto document = parse_document("f.yaml", text);
  std::vector<std::string> result;
  for (const auto& cell :
       expand_matrix(Field(document.file, *document.root.find("matrix"), "matrix")))
    result.push_back(suffix_of(cell));
  return result;
}

std::string complaint(std::string_view text) {
  try {
    static_cast<void>(ids(text));
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

using Ids = std::vector<std::string>;

TEST(Matrix, ProductInFileOrderLastFastest) {
  EXPECT_EQ(ids("matrix: {b: [1, 2], a: [x, 2.5]}"),
            (Ids{"[b=1,a=x]", "[b=1,a=2.5]", "[b=2,a=x]", "[b=2,a=2.5]"}));
}

TEST(Matrix, RangeIncludesBothEnds) {
  EXPECT_EQ(ids("matrix: {N: {from: -1, to: 5, step: 3}}"), (Ids{"[N=-1]", "[N=2]", "[N=5]"}));
  EXPECT_EQ(ids("matrix: {N: {from: 1, to: 128}}").size(), 128U);
  EXPECT_EQ(ids("matrix: {N: {from: 3, to: 3}}"), (Ids{"[N=3]"}));
}

TEST(Matrix, ZipStepsTogether) {
  EXPECT_EQ(ids("matrix: {a: [1, 2], b: [x, y], c: [p, q], zip: [[c, a]]}"),
            (Ids{"[a=1,b=x,c=p]", "[a=1,b=y,c=p]", "[a=2,b=x,c=q]", "[a=2,b=y,c=q]"}));
}

TEST(Matrix, ExcludeMatchesAllOfAnEntry) {
  EXPECT_EQ(ids("matrix: {a: [1, 2], b: [x, y], exclude: [{a: 1, b: x}]}"),
            (Ids{"[a=1,b=y]", "[a=2,b=x]", "[a=2,b=y]"}));
  EXPECT_EQ(ids("matrix: {a: [1, 2], b: [x, y], exclude: [{a: 1}, {b: y}]}"), (Ids{"[a=2,b=x]"}));
}

TEST(Matrix, Complaints) {
  EXPECT_EQ(complaint("matrix:\n  N: [1, 2, 1]\n"),
            "f.yaml:2: matrix: N[2]: '1' is twice in the list");
  EXPECT_EQ(complaint("matrix:\n  N: []\n"),
            "f.yaml:2: matrix: N: the list is empty; give at least one value");
  EXPECT_EQ(complaint("matrix:\n  N: 4\n"),
            "f.yaml:2: matrix: N: expected a list such as [1, 8, 64] or a range {from: 1, to: 128, "
            "step: 1}");
  EXPECT_EQ(complaint("matrix:\n  N: {from: 2, to: 1}\n"),
            "f.yaml:2: matrix: N: the range from 2 to 1 is empty");
  EXPECT_EQ(complaint("matrix:\n  N: {from: 0, to: 10000}\n"),
            "f.yaml:2: matrix: N: the range has more than 10000 values");
  EXPECT_EQ(
      complaint("matrix:\n  N: {from: 1, to: 2, stpe: 1}\n"),
      "f.yaml:2: matrix: N: unknown key 'stpe'; did you mean 'step'? allowed: from, to, step");
  EXPECT_EQ(complaint("matrix: {a: {from: 1, to: 200}, b: {from: 1, to: 200}}"),
            "f.yaml:1: matrix: the matrix has more than 10000 cells; use fewer values or zip");
  EXPECT_EQ(complaint("matrix: {N: [1], exclude: [{N: 1}]}"),
            "f.yaml:1: matrix: exclude leaves no cell of the matrix");
  EXPECT_EQ(
      complaint("matrix:\n  N: [1.5]\n  exclude: [{N: 1.50}]\n"),
      "f.yaml:3: matrix: exclude[0]: N: '1.50' is not a value of 'N'; write it as in the list");
  EXPECT_EQ(complaint("matrix: {rho: [1], exclude: [{roh: 1}]}"),
            "f.yaml:1: matrix: exclude[0]: unknown key 'roh'; did you mean 'rho'? allowed: rho");
  EXPECT_EQ(complaint("matrix: {a: [1, 2], b: [1], zip: [[a, b]]}"),
            "f.yaml:1: matrix: zip[0][1]: 'b' has 1 values, those before it 2; zipped lists are "
            "equally long");
  EXPECT_NE(complaint("matrix: {N: ['a/../b']}"), "");  // an id is a folder's name
  EXPECT_NE(complaint("matrix: {N: [\"${M}\"]}"), "");
  EXPECT_NE(complaint("matrix: [N]"), "");
  EXPECT_NE(complaint("matrix: {N: {from: -9223372036854775808, to: 9223372036854775807}}"), "");
}

TEST(Substituted, WholePartsAndTypes) {
  const auto document = parse_document(
      "f.yaml",
      "a: ${N}\nb: \"${N}\"\nc: \"x${N}-${r}frames\"\nd: [{e: \"${q}\"}]\nmatrix: ${N}\n");
  Combination cell{{"N", Node::scalar("8")},
                   {"r", Node::scalar("1.5")},
                   {"q", Node::scalar("0660", Quoting::quoted)}};
  const auto root = substituted(document, cell);
  EXPECT_EQ(root.find("a")->text, "8");
  EXPECT_EQ(root.find("b")->text, "8");
  EXPECT_EQ(root.find("b")->quoting, Quoting::plain);  // the type of the variable
  EXPECT_EQ(root.find("c")->text, "x8-1.5frames");
  EXPECT_EQ(root.find("d")->items[0].find("e")->quoting, Quoting::quoted);
  EXPECT_EQ(root.find("matrix")->text, "${N}");
}

class MatrixInScenario : public test::Files {};

TEST_F(MatrixInScenario, UnknownAndUnusedVariables) {
  using test::kScenario;
  using test::with;
  EXPECT_EQ(complaint(with(kScenario, "depth: 8", "depth: ${N}")),
            "x.yaml:12: variable 'N' is not in the matrix; add it there");
  EXPECT_EQ(complaint(with(kScenario, "depth: 8", "depth: ${roh}") + "matrix: {rho: [1]}\n"),
            "x.yaml:12: variable 'roh' is not in the matrix; did you mean 'rho'? allowed: rho");
  EXPECT_EQ(complaint(with(kScenario, "depth: 8", "depth: ${N") + "matrix: {N: [1]}\n"),
            "x.yaml:12: '${' without '}' in '${N'; write ${N}");
  EXPECT_EQ(complaint(kScenario + "matrix: {N: [1, 2]}\n"),
            "x.yaml:20: matrix: variable 'N' is used nowhere; write ${N} where its value belongs");
}

TEST_F(MatrixInScenario, IdsAndVariables) {
  const auto cases = plan(test::with(test::with(test::kScenario, "depth: 8", "depth: ${N}"),
                                     "rho: 1.5", "rho: \"${rho}\"") +
                          "matrix: {N: [1, 8], rho: [0.9, 1.5]}\n");
  ASSERT_EQ(cases.size(), 4U);
  EXPECT_EQ(cases[3].id, "lag.test[N=8,rho=1.5]@desk");
  EXPECT_EQ(cases[3].variables, (std::map<std::string, std::string>{{"N", "8"}, {"rho", "1.5"}}));
  EXPECT_EQ(cases[3].fifo.depth, 8U);
  EXPECT_EQ(std::get<ConstantLag>(cases[3].readers[0].lag[0]).service, Duration{750'000});
}

}  // namespace
}  // namespace daohil::hil::plan
