#include "hil/plan/fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "hil/plan/problem.hpp"
#include "hil/plan/show.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::size_t kMaxName = 64;

std::vector<std::string_view> supported(std::span<const Key> keys) {
  std::vector<std::string_view> names;
  for (const auto& key : keys)
    if (key.support == Support::now) names.push_back(key.name);
  return names;
}

std::string_view noun_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::null:
      return "nothing";
    case NodeKind::scalar:
      return "a single value";
    case NodeKind::list:
      return "a list";
    case NodeKind::map:
      return "a map";
  }
  return "?";
}

bool is_name_character(char c, std::string_view also) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         also.find(c) != std::string_view::npos;
}

// Runs a conversion of units.hpp and adds the place to its complaint.
template <class Convert>
auto converted(const Field& field, Convert convert) {
  try {
    return convert();
  } catch (const BadValue& e) {
    field.fail(e.what());
  }
}

}  // namespace

std::string not_yet(std::string_view word) {
  return fmt::format("`{}` is part of hil/v1 but this version does not run it yet; remove it",
                     word);
}

Problem Field::problem_at(int line, int column, std::string_view text) const {
  return {.file = *file_,
          .line = line,
          .column = column,
          .key = where_,
          .text = std::string(text),
          .value = node_->kind == NodeKind::scalar ? node_->text : std::string{}};
}

void Field::fail(std::string_view problem) const {
  throw Error(problem_at(node_->line, node_->column, problem));
}

namespace {

void offer(Problem& problem, const Alternatives& alternatives) {
  problem.value = alternatives.value;
  problem.allowed.assign(alternatives.allowed.begin(), alternatives.allowed.end());
  problem.nearest = nearest(alternatives.value, alternatives.allowed);
}

}  // namespace

void Field::fail(std::string_view text, const Alternatives& alternatives) const {
  Problem problem = problem_at(node_->line, node_->column, text);
  offer(problem, alternatives);
  throw Error(std::move(problem));
}

void Field::fail_key(const Node::Key& key, std::string_view text,
                     const Alternatives& alternatives) const {
  Problem problem = problem_at(key.line, key.column, text);
  offer(problem, alternatives);
  throw Error(std::move(problem));
}

void Field::fail_not_yet(std::string_view word) const {
  Problem problem = problem_at(node_->line, node_->column, not_yet(word));
  problem.kind = Problem::Kind::not_yet;
  throw Error(std::move(problem));
}

void Field::fail_not_yet(const Node::Key& key) const {
  Problem problem = problem_at(key.line, key.column, not_yet(key.name));
  problem.value = key.name;
  problem.kind = Problem::Kind::not_yet;
  throw Error(std::move(problem));
}

void Field::fail_reported() const {
  Problem problem = problem_at(node_->line, node_->column, "follows from a problem named before");
  problem.kind = Problem::Kind::reported;
  throw Error(std::move(problem));
}

void Field::refuse_reported() const {
  if (node_->reported) fail_reported();
}

const std::string& Field::scalar(std::string_view expected) const {
  refuse_reported();
  if (node_->kind != NodeKind::scalar)
    fail(fmt::format("expected {}, got {}", expected, noun_of(node_->kind)));
  return node_->text;
}

std::string Field::text() const {
  const auto& value = scalar("a text");
  if (value.empty()) fail("expected a text, got nothing between the quotes");
  return value;
}

std::string Field::name(std::string_view also) const {
  const auto& value = scalar("a name");
  const bool good =
      !value.empty() && value.size() <= kMaxName &&
      std::all_of(value.begin(), value.end(), [&](char c) { return is_name_character(c, also); });
  if (!good)
    fail(fmt::format("expected a name of 1 to {} letters, digits and {}, got {}", kMaxName,
                     fmt::join(also, " "), show(value)));
  return value;
}

bool Field::truth() const {
  const auto& value = scalar("true or false");
  if (node_->quoting == Quoting::plain && value == "true") return true;
  if (node_->quoting == Quoting::plain && value == "false") return false;
  fail(fmt::format("expected true or false, got {}", show(value)));
}

std::uint64_t Field::count(std::uint64_t min, std::uint64_t max) const {
  const auto& value = scalar("a whole number such as 64");
  const auto n = converted(*this, [&] { return parse_count(value); });
  if (n < min || n > max) fail(fmt::format("{} is outside {} to {}", n, min, max));
  return n;
}

std::int64_t Field::integer(std::int64_t min, std::int64_t max) const {
  const auto& value = scalar("a whole number such as -1");
  const bool negative = value.starts_with('-');
  const auto digits = std::string_view(value).substr(negative ? 1 : 0);
  const auto magnitude = converted(*this, [&] { return parse_count(digits); });
  if (magnitude > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    fail(fmt::format("{} is outside {} to {}", value, min, max));
  const auto n =
      negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
  if (n < min || n > max) fail(fmt::format("{} is outside {} to {}", n, min, max));
  return n;
}

Decimal Field::decimal() const {
  const auto& value = scalar("a number such as 1.5");
  return converted(*this, [&] { return parse_decimal(value); });
}

Duration Field::duration() const {
  const auto& value = scalar("a duration such as 20.5ms");
  return converted(*this, [&] { return parse_duration(value); });
}

shm::Rate Field::rate() const {
  const auto& value = scalar("a rate such as 2067Hz");
  return converted(*this, [&] { return parse_rate(value); });
}

std::uint64_t Field::frames() const {
  const auto& value = scalar("a number of frames such as 500frames");
  const auto n = converted(*this, [&] { return parse_frames(value); });
  if (n == 0) fail("0 frames; at least 1frame");
  return n;
}

std::vector<Field> Field::list() const {
  refuse_reported();
  if (node_->kind != NodeKind::list)
    fail(fmt::format("expected a list, got {}; put it in [ ]", noun_of(node_->kind)));
  std::vector<Field> fields;
  fields.reserve(node_->items.size());
  for (std::size_t i = 0; i < node_->items.size(); ++i)
    fields.emplace_back(*file_, node_->items[i], fmt::format("{}[{}]", where_, i), problems_);
  return fields;
}

std::size_t Field::index_of_word(std::span<const Key> words) const {
  const auto names = supported(words);
  const auto& value = scalar(fmt::format("one of {}", fmt::join(names, ", ")));
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].name != value) continue;
    if (words[i].support == Support::later) fail_not_yet(value);
    return i;
  }
  fail(fmt::format("expected one of {}, got {}{}", fmt::join(names, ", "), show(value),
                   did_you_mean(value, names)),
       {value, names});
}

Section::Section(Field map, std::span<const Key> keys)
    : map_(std::move(map)), complaints_before_(map_.complaints()) {
  const Node& node = map_.node();
  if (node.reported) map_.fail_reported();
  if (node.kind != NodeKind::map)
    map_.fail(fmt::format("expected a map of keys, got {}", noun_of(node.kind)));
  const auto names = supported(keys);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node::Key& key = node.keys[i];
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == key.name; });
    if (known == keys.end())
      refuse(key, names);
    else if (known->support == Support::later && node.items[i].kind != NodeKind::null)
      map_.gather([&] { map_.fail_not_yet(key); });
  }
}

void Section::refuse(const Node::Key& key, std::span<const std::string_view> allowed) {
  const auto meant = nearest(key.name, allowed);
  if (!meant.empty()) misspelt_.emplace_back(meant);
  map_.gather([&] {
    map_.fail_key(
        key, fmt::format("unknown key {}{}", show(key.name), nearest_and_all(key.name, allowed)),
        {key.name, {allowed.begin(), allowed.end()}});
  });
}

bool Section::misspelt(std::string_view key) const {
  return std::find(misspelt_.begin(), misspelt_.end(), key) != misspelt_.end();
}

Field Section::child(std::string_view key, const Node& node) const {
  const auto& parent = map_.where();
  return map_.other(node, parent.empty() ? std::string(key) : fmt::format("{}: {}", parent, key));
}

std::optional<Field> Section::find(std::string_view key) const {
  const Node* node = map_.node().find(key);
  if (node == nullptr) return std::nullopt;
  return child(key, *node);
}

Field Section::need(std::string_view key) const {
  const Node* node = map_.node().find(key);
  if (node != nullptr) return child(key, *node);
  if (misspelt(key)) map_.fail_reported();
  map_.fail(fmt::format("key '{}' is missing; add it", key));
}

Field called_by(const Field& map, std::string_view noun, std::string_view key) {
  const Node* node = map.node().find(key);
  if (node == nullptr || node->kind != NodeKind::scalar) return map;
  return map.called(fmt::format("{} {}", noun, show(node->text)));
}

}  // namespace daohil::hil::plan
