#include "hil/plan/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "hil/plan/problem.hpp"
#include "hil/plan/show.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::size_t kMaxCells = 10'000;
constexpr std::int64_t kLargestBound = 1'000'000'000'000;  // differences stay far from overflow
constexpr std::string_view kValueCharacters = "._+-";

struct Variable {
  std::string name;
  std::vector<Node> values;
};

// Variables that advance together; most stand alone.
struct Axis {
  std::vector<std::size_t> variables;
  std::size_t length = 0;
};

struct Exclusion {
  std::vector<std::pair<std::size_t, std::string>> values;  // variable, text of its value
};

std::vector<std::string_view> names_of(const std::vector<Variable>& variables) {
  std::vector<std::string_view> names;
  for (const auto& variable : variables) names.push_back(variable.name);
  return names;
}

std::vector<Node> range_of(const Field& field) {
  static constexpr std::array<Key, 3> kKeys{{{"from"}, {"to"}, {"step"}}};
  const Section range(field, kKeys);
  const auto from = range.need("from").integer(-kLargestBound, kLargestBound);
  const auto to = range.need("to").integer(-kLargestBound, kLargestBound);
  const auto step_field = range.find("step");
  const auto step = step_field ? step_field->integer(1, kLargestBound) : 1;
  if (to < from) range.fail(fmt::format("the range from {} to {} is empty", from, to));
  if ((to - from) / step >= static_cast<std::int64_t>(kMaxCells))
    range.fail(fmt::format("the range has more than {} values", kMaxCells));
  std::vector<Node> values;
  for (auto value = from; value <= to; value += step) {
    values.push_back(Node::scalar(std::to_string(value)));
    values.back().line = field.line();
  }
  return values;
}

std::vector<Node> values_of(const Field& field) {
  if (field.node().kind == NodeKind::map) return range_of(field);
  if (field.node().kind != NodeKind::list)
    field.fail("expected a list such as [1, 8, 64] or a range {from: 1, to: 128, step: 1}");
  std::vector<Node> values;
  const auto items = field.list();
  if (items.empty()) field.fail("the list is empty; give at least one value");
  for (const auto& item : items) {
    item.gather([&] {
      const auto text = item.name(kValueCharacters);
      for (const auto& earlier : values)
        if (earlier.text == text) item.fail(fmt::format("{} is twice in the list", show(text)));
      values.push_back(item.node());
    });
  }
  return values;
}

std::size_t index_of(const std::vector<Variable>& variables, const Field& at,
                     const std::string& name) {
  const auto it = std::find_if(variables.begin(), variables.end(),
                               [&](const Variable& v) { return v.name == name; });
  if (it == variables.end())
    at.fail(fmt::format("{} is no variable of the matrix{}", show(name),
                        nearest_and_all(name, names_of(variables))),
            {name, names_of(variables)});
  return static_cast<std::size_t>(it - variables.begin());
}

Axis read_zip(const Field& group, const std::vector<Variable>& variables,
              std::vector<bool>& zipped) {
  Axis axis;
  for (const auto& item : group.list()) {
    const auto index = index_of(variables, item, item.text());
    if (zipped[index]) item.fail(fmt::format("{} is zipped twice", show(item.text())));
    zipped[index] = true;
    const auto length = variables[index].values.size();
    if (!axis.variables.empty() && length != axis.length)
      item.fail(fmt::format("{} has {} values, those before it {}; zipped lists are equally long",
                            show(item.text()), length, axis.length));
    axis.length = length;
    axis.variables.push_back(index);
  }
  if (axis.variables.size() < 2) group.fail("a zip joins at least two variables");
  return axis;
}

std::vector<Axis> axes_of(const std::vector<Variable>& variables, const Node* zip,
                          const Field& matrix) {
  std::vector<Axis> axes;
  std::vector<bool> zipped(variables.size());
  if (zip != nullptr)
    for (const auto& group : matrix.other(*zip, "matrix: zip").list())
      group.gather([&] { axes.push_back(read_zip(group, variables, zipped)); });
  for (std::size_t i = 0; i < variables.size(); ++i)
    if (!zipped[i]) axes.push_back({{i}, variables[i].values.size()});
  const auto first = [](const Axis& axis) {
    return *std::min_element(axis.variables.begin(), axis.variables.end());
  };
  std::sort(axes.begin(), axes.end(),
            [&](const Axis& a, const Axis& b) { return first(a) < first(b); });
  return axes;
}

Exclusion read_exclusion(const Field& item, std::span<const Key> keys,
                         const std::vector<Variable>& variables) {
  const Section entry(item, keys);
  Exclusion exclusion;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto field = entry.find(variables[i].name);
    if (!field) continue;
    const auto text = field->text();
    const auto& values = variables[i].values;
    if (std::none_of(values.begin(), values.end(), [&](const Node& v) { return v.text == text; }))
      field->fail(fmt::format("{} is not a value of {}; write it as in the list", show(text),
                              show(variables[i].name)));
    exclusion.values.emplace_back(i, text);
  }
  if (entry.sound() && exclusion.values.empty())
    item.fail("an empty entry excludes nothing; name a variable");
  return exclusion;
}

std::vector<Exclusion> exclusions_of(const std::vector<Variable>& variables, const Node* exclude,
                                     const Field& matrix) {
  std::vector<Exclusion> exclusions;
  if (exclude == nullptr) return exclusions;
  std::vector<Key> keys;
  for (const auto& variable : variables) keys.push_back({variable.name});
  for (const auto& item : matrix.other(*exclude, "matrix: exclude").list())
    item.gather([&] { exclusions.push_back(read_exclusion(item, keys, variables)); });
  return exclusions;
}

bool matches(const Exclusion& exclusion, const Combination& cell) {
  return std::all_of(exclusion.values.begin(), exclusion.values.end(),
                     [&](const auto& pair) { return cell[pair.first].value.text == pair.second; });
}

std::vector<Variable> variables_of(const Field& matrix) {
  std::vector<Variable> variables;
  const Node& node = matrix.node();
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& name = node.keys[i].name;
    if (name == "zip" || name == "exclude") continue;
    Node name_node = Node::scalar(name);
    name_node.line = node.keys[i].line;
    name_node.column = node.keys[i].column;
    const Field field = matrix.other(node.items[i], fmt::format("matrix: {}", name));
    variables.push_back({name, {}});
    matrix.gather([&] {
      static_cast<void>(matrix.other(name_node, "matrix").name("_"));
      variables.back().values = values_of(field);
    });
  }
  return variables;
}

// Calls `visit(name, at)` for each ${name} in a text.
template <class Visit>
void each_variable(std::string_view text, Visit visit) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at)) {
    const auto end = text.find('}', at);
    if (end == std::string_view::npos) return;
    visit(text.substr(at + 2, end - at - 2));
    at = end;
  }
}

const Node& value_of(std::string_view name, const Combination& combination, const Field& at) {
  std::vector<std::string_view> names;
  for (const auto& assignment : combination) {
    if (assignment.name == name) return assignment.value;
    names.push_back(assignment.name);
  }
  at.fail(fmt::format("variable {} is not in the matrix{}", show(name),
                      names.empty() ? "; add it there" : nearest_and_all(name, names)),
          {std::string(name), names});
}

void substitute_text(Node& node, const Combination& combination, const std::string& file) {
  const std::string original = node.text;
  const Field place(file, node, {});
  std::string text;
  std::size_t at = 0;
  while (true) {
    const auto begin = original.find("${", at);
    text.append(original, at, begin == std::string::npos ? begin : begin - at);
    if (begin == std::string::npos) break;
    const auto end = original.find('}', begin);
    if (end == std::string::npos)
      place.fail(fmt::format("'${{' without '}}' in {}; write ${{N}}", show(original)));
    const auto name = std::string_view(original).substr(begin + 2, end - begin - 2);
    const Node& value = value_of(name, combination, place);
    if (value.reported) place.fail_reported();
    text += value.text;
    at = end + 1;
    // Quotes around a lone "${N}" are there for YAML, not to make a number a text.
    if (begin == 0 && at == original.size()) node.quoting = value.quoting;
  }
  node.text = std::move(text);
}

void substitute_tree(Node& node, const Combination& combination, const std::string& file,
                     Problems* problems) {
  if (node.kind == NodeKind::scalar) {
    const Field place(file, node, {}, problems);
    const auto before = place.complaints();
    place.gather([&] { substitute_text(node, combination, file); });
    node.reported = place.complaints() != before;
  }
  for (auto& item : node.items) substitute_tree(item, combination, file, problems);
}

bool uses(const Node& node, std::string_view variable) {
  bool found = false;
  each_variable(node.text, [&](std::string_view name) { found = found || name == variable; });
  return found || std::any_of(node.items.begin(), node.items.end(),
                              [&](const Node& item) { return uses(item, variable); });
}

// A cell for going on with, after a problem.
Combination first_known(const std::vector<Variable>& variables) {
  Node unknown = Node::scalar({});
  unknown.reported = true;
  Combination cell;
  for (const auto& variable : variables)
    cell.push_back({variable.name, variable.values.empty() ? unknown : variable.values.front()});
  return cell;
}

}  // namespace

std::vector<Combination> expand_matrix(const Field& matrix) {
  if (matrix.node().kind != NodeKind::map)
    matrix.fail("expected a map of variables such as {N: [1, 8, 64]}");
  const auto before = matrix.complaints();
  const auto variables = variables_of(matrix);
  if (matrix.complaints() != before) return {first_known(variables)};
  std::vector<Axis> axes;
  std::vector<Exclusion> exclusions;
  matrix.gather([&] {
    axes = axes_of(variables, matrix.node().find("zip"), matrix);
    exclusions = exclusions_of(variables, matrix.node().find("exclude"), matrix);
  });
  if (matrix.complaints() != before) return {first_known(variables)};

  std::size_t total = 1;
  for (const auto& axis : axes) {
    total *= axis.length;  // no axis is longer than a 1 MiB file or kMaxCells: cannot overflow
    if (total > kMaxCells) {
      matrix.gather([&] {
        matrix.fail(
            fmt::format("the matrix has more than {} cells; use fewer values or zip", kMaxCells));
      });
      return {first_known(variables)};
    }
  }

  std::vector<Combination> cells;
  for (std::size_t number = 0; number < total; ++number) {
    Combination cell;
    for (const auto& variable : variables) cell.push_back({variable.name, {}});
    std::size_t rest = number;
    for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
      for (const auto index : axis->variables)
        cell[index].value = variables[index].values[rest % axis->length];
      rest /= axis->length;
    }
    const bool excluded = std::any_of(exclusions.begin(), exclusions.end(),
                                      [&](const Exclusion& e) { return matches(e, cell); });
    if (!excluded) cells.push_back(std::move(cell));
  }
  if (cells.empty()) {
    matrix.gather([&] { matrix.fail("exclude leaves no cell of the matrix"); });
    cells.push_back(first_known(variables));
  }
  return cells;
}

Node substituted(const Document& scenario, const Combination& combination, Problems* problems) {
  Node root = scenario.root;
  for (std::size_t i = 0; i < root.items.size(); ++i)
    if (root.keys[i].name != "matrix")
      substitute_tree(root.items[i], combination, scenario.file, problems);
  return root;
}

void refuse_unused(const Document& scenario, const std::vector<Combination>& cells,
                   Problems* problems) {
  for (std::size_t v = 0; v < cells.front().size(); ++v) {
    const auto& [name, value] = cells.front()[v];
    const bool varies = std::any_of(cells.begin(), cells.end(), [&, &first = value](const auto& c) {
      return c[v].value.text != first.text;
    });
    if (!varies || uses(scenario.root, name)) continue;
    const Field place(scenario.file, value, "matrix", problems);
    place.gather([&, &variable = name] {
      place.fail(fmt::format("variable {} is used nowhere; write ${{{}}} where its value belongs",
                             show(variable), variable));
    });
  }
}

std::string suffix_of(const Combination& combination) {
  std::string suffix;
  for (const auto& [name, value] : combination)
    suffix += fmt::format("{}{}={}", suffix.empty() ? '[' : ',', name, value.text);
  return suffix.empty() ? suffix : suffix + "]";
}

}  // namespace daohil::hil::plan
