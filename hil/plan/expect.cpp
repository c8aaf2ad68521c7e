#include "hil/plan/expect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <regex>
#include <utility>

#include "hil/plan/show.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::array<Key, 19> kExpectKeys{{{"id"},
                                           {"metric"},
                                           {"equals"},
                                           {"not_equals"},
                                           {"min"},
                                           {"max"},
                                           {"predicted"},
                                           {"slack"},
                                           {"tier"},
                                           {"timing"},
                                           {"in"},
                                           {"within"},
                                           {"of"},
                                           {"regex"},
                                           {"unit"},
                                           {"marginal"},
                                           {"marginal_min"},
                                           {"marginal_max"},
                                           {"marginal_within"}}};

constexpr std::array<Key, 4> kSweepKeys{{{"id"}, {"over"}, {"metric"}, {"predicted"}}};

constexpr std::array<Choice<Operator>, 8> kOperators{{{"equals", Operator::equals},
                                                      {"not_equals", Operator::not_equals},
                                                      {"min", Operator::min},
                                                      {"max", Operator::max},
                                                      {"in", Operator::in},
                                                      {"within", Operator::within},
                                                      {"regex", Operator::regex},
                                                      {"predicted", Operator::predicted}}};

constexpr std::array<Choice<Tier>, 3> kTiers{{{"A", Tier::a}, {"B", Tier::b}, {"C", Tier::c}}};

const Metric& find_metric(const Field& field, std::span<const Metric> metrics) {
  const auto name = field.text();
  const auto it = std::find_if(metrics.begin(), metrics.end(),
                               [&](const Metric& metric) { return metric.name == name; });
  if (it != metrics.end()) return *it;
  std::vector<std::string_view> names;
  for (const auto& metric : metrics) names.push_back(metric.name);
  const auto hint = did_you_mean(name, names);
  field.fail(fmt::format("unknown metric {}{}", show(name),
                         hint.empty()
                             ? fmt::format("; the first of {} is '{}'", names.size(), names.front())
                             : hint),
             {name, names});
}

// The prediction's name, if it exists and is of the kind that the metric is.
std::string find_prediction(const Field& field, Quantity wanted, std::string_view compared_with) {
  const auto name = field.text();
  const auto names = prediction_names();
  const auto quantity = quantity_of_prediction(name);
  if (!quantity)
    field.fail(fmt::format("unknown prediction {}{}", show(name), nearest_and_all(name, names)),
               {name, names});
  if (*quantity != wanted)
    field.fail(fmt::format("{} predicts {}, but {} is {}", name, name_of(*quantity), compared_with,
                           name_of(wanted)));
  return name;
}

// "0.5", "1e-6", "-3": a bare number.
double read_number(const Field& field) {
  const std::string text = field.text();
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end || !std::isfinite(value))
    field.fail(fmt::format("expected a number such as 0.5 or 1e-6, got {}", show(text)));
  return value;
}

Value read_value(const Field& field, Quantity quantity) {
  switch (quantity) {
    case Quantity::truth:
      return field.truth();
    case Quantity::count:
      return field.integer(std::numeric_limits<std::int64_t>::min(),
                           std::numeric_limits<std::int64_t>::max());
    case Quantity::duration:
      return std::int64_t{field.duration().count()};
    case Quantity::rate:
      return field.rate().hertz();
    case Quantity::number:
      return read_number(field);
    case Quantity::text:
      return field.text();
  }
  field.fail("has no value");
}

double read_slack(const Field& field, const Metric& metric) {
  switch (metric.quantity) {
    case Quantity::count:
      if (field.node().text.ends_with("frames") || field.node().text.ends_with("frame"))
        return static_cast<double>(field.frames());
      return static_cast<double>(field.count(0, std::numeric_limits<std::int64_t>::max()));
    case Quantity::duration:
      return static_cast<double>(field.duration().count());
    case Quantity::rate:
      return field.rate().hertz();
    case Quantity::number:
      return read_number(field);
    case Quantity::truth:
    case Quantity::text:
      break;
  }
  field.fail(fmt::format("{} is {}, there is nothing near it; remove slack", metric.name,
                         name_of(metric.quantity)));
}

std::pair<Operator, Field> read_operator(const Section& section) {
  std::optional<std::pair<Operator, Field>> found;
  for (const auto& choice : kOperators) {
    auto field = section.find(choice.word);
    if (!field) continue;
    if (found) field->fail("a second operator; one line makes one claim");
    found.emplace(choice.value, std::move(*field));
  }
  if (!found)
    section.fail(
        "claims nothing; add equals, not_equals, min, max, in, within, regex or predicted");
  return *found;
}

bool has_order(Quantity quantity) {
  return quantity != Quantity::truth && quantity != Quantity::text;
}

double number_of(const Value& value) {
  if (const auto* count = std::get_if<std::int64_t>(&value)) return static_cast<double>(*count);
  return std::get<double>(value);
}

// A distance in the metric's own unit, or as a share of what it is a distance from.
double read_distance(const Field& field, Quantity quantity, double of) {
  const std::string text = field.text();
  if (text.ends_with('%') || text.ends_with("ppm") || text.ends_with("ppb")) {
    try {
      return static_cast<double>(parse_fraction(text).value) * 1e-9 * std::abs(of);
    } catch (const BadValue& e) {
      field.fail(e.what());
    }
  }
  return number_of(read_value(field, quantity));
}

void read_within(const Section& section, const Metric& metric, Expectation& expectation) {
  const Field within = section.need("within");
  if (!has_order(metric.quantity))
    within.fail(fmt::format("{} is {}, there is nothing near it; use equals", metric.name,
                            name_of(metric.quantity)));
  expectation.of = number_of(read_value(section.need("of"), metric.quantity));
  expectation.value = read_distance(within, metric.quantity, expectation.of);
}

void read_regex(const Field& field, const Metric& metric, Expectation& expectation) {
  if (metric.quantity != Quantity::text)
    field.fail(fmt::format("{} is {}; regex is for texts", metric.name, name_of(metric.quantity)));
  expectation.value = field.text();
  try {
    static_cast<void>(std::regex(field.text(), std::regex::extended));
  } catch (const std::regex_error&) {
    field.fail(fmt::format("{} is no POSIX extended regular expression", show(field.text())));
  }
}

// The band inside the limit in which a result holds, and is said to be close.
void read_marginal(const Section& section, const Metric& metric, Expectation& expectation) {
  struct Word {
    std::string_view key;
    std::optional<Operator> op;
  };
  static constexpr std::array<Word, 4> kWords{{{"marginal", std::nullopt},
                                               {"marginal_min", Operator::min},
                                               {"marginal_max", Operator::max},
                                               {"marginal_within", Operator::within}}};
  for (const Word& word : kWords) {
    const auto field = section.find(word.key);
    if (!field) continue;
    const Operator op = expectation.op;
    if (expectation.marginal) field->fail("a second margin; one line has one");
    if (op != Operator::min && op != Operator::max && op != Operator::within)
      field->fail("belongs to min, max or within");
    if (word.op && *word.op != op) field->fail("is of another operator than the line's");
    const double limit = number_of(expectation.value);
    const double margin = op == Operator::within
                              ? read_distance(*field, metric.quantity, expectation.of)
                              : number_of(read_value(*field, metric.quantity));
    if (op == Operator::min ? margin < limit : margin > limit)
      field->fail("lies outside the limit, where the line does not hold at all");
    expectation.marginal = margin;
  }
}

// The operator's own value, of the kind that the metric is.
void read_claim(const Section& section, const Metric& metric, const Field& value,
                Expectation& expectation) {
  const Operator op = expectation.op;
  if ((op == Operator::min || op == Operator::max) && !has_order(metric.quantity))
    value.fail(fmt::format("{} is {} and has no order; use equals", metric.name,
                           name_of(metric.quantity)));
  switch (op) {
    case Operator::predicted:
      expectation.predicted = find_prediction(value, metric.quantity, metric.name);
      break;
    case Operator::in:
      for (const auto& item : value.list())
        expectation.values.push_back(read_value(item, metric.quantity));
      if (expectation.values.empty()) value.fail("is empty; nothing would do");
      break;
    case Operator::within:
      read_within(section, metric, expectation);
      break;
    case Operator::regex:
      read_regex(value, metric, expectation);
      break;
    default:
      expectation.value = read_value(value, metric.quantity);
  }
}

void check_companions(const Section& section, const Metric& metric, Expectation& expectation) {
  section.take("of", [&](const Field& of) {
    if (expectation.op != Operator::within) of.fail("belongs to within");
  });
  section.take("slack", [&](const Field& slack) {
    if (expectation.op != Operator::predicted)
      slack.fail("belongs to predicted; move the limit instead");
    expectation.slack = read_slack(slack, metric);
  });
}

Expectation read_expectation(const Field& field, std::span<const Metric> metrics) {
  const Section section(field, kExpectKeys);
  Expectation expectation;
  expectation.line = field.line();
  section.take_needed("id", [&](const Field& id) { expectation.id = id.name("._-"); });
  section.take("unit", [&](const Field& unit) { expectation.unit = unit.text(); });
  section.take("timing", [&](const Field& timing) { expectation.timing = timing.truth(); });
  std::optional<Tier> tier;
  section.take("tier", [&](const Field& word) { tier = word.one_of<Tier>(kTiers); });

  const Metric* metric = nullptr;
  section.take_needed("metric", [&](const Field& name) { metric = &find_metric(name, metrics); });
  std::optional<Field> value;
  const auto find_claim = [&] {
    const auto [op, field_of_value] = read_operator(section);
    expectation.op = op;
    value = field_of_value;
  };
  // A misspelt operator is not missed a second time.
  if (std::none_of(kOperators.begin(), kOperators.end(),
                   [&](const auto& choice) { return section.misspelt(choice.word); }))
    field.gather(find_claim);
  if (metric == nullptr || !value) return expectation;

  expectation.metric = metric->name;
  expectation.tier = tier.value_or(expectation.op == Operator::predicted ? Tier::c : metric->tier);
  bool claimed = false;
  field.gather([&] {
    read_claim(section, *metric, *value, expectation);
    claimed = true;
  });
  check_companions(section, *metric, expectation);
  if (claimed) field.gather([&] { read_marginal(section, *metric, expectation); });
  return expectation;
}

SweepExpectation read_sweep_entry(const Field& field, std::span<const Metric> metrics,
                                  const Combination& variables) {
  const Section section(field, kSweepKeys);
  if (!section.sound()) field.fail_reported();
  SweepExpectation sweep;
  sweep.line = field.line();
  sweep.id = section.need("id").name("._-");
  const Field over = section.need("over");
  sweep.over = over.text();
  const auto variable = std::find_if(variables.begin(), variables.end(),
                                     [&](const Assignment& a) { return a.name == sweep.over; });
  if (variable == variables.end()) {
    std::vector<std::string_view> names;
    for (const auto& assignment : variables) names.push_back(assignment.name);
    over.fail(fmt::format("{} is no variable of the matrix{}", show(sweep.over),
                          nearest_and_all(sweep.over, names)),
              {sweep.over, names});
  }
  // "The smallest" has a meaning for whole numbers only; a text would compare by letters.
  const Field value = field.other(variable->value, fmt::format("matrix: {}", sweep.over));
  static_cast<void>(value.count(0, std::numeric_limits<std::int64_t>::max()));

  const Metric& metric = find_metric(section.need("metric"), metrics);
  if (metric.quantity != Quantity::truth)
    section.need("metric").fail(
        fmt::format("{} is {}; a sweep looks for the smallest value where "
                    "a metric such as lossless is true",
                    metric.name, name_of(metric.quantity)));
  sweep.metric = metric.name;
  sweep.predicted = find_prediction(section.need("predicted"), Quantity::count, sweep.over);
  return sweep;
}

template <class Entry>
void refuse_same_id(const std::vector<Entry>& entries, const Entry& entry, const Field& at) {
  for (const auto& earlier : entries)
    if (!entry.id.empty() && earlier.id == entry.id)
      at.fail(
          fmt::format("id {} is already in line {}; ids are unique", show(entry.id), earlier.line));
}

}  // namespace

std::vector<Expectation> read_expect(const Field& field, std::span<const Metric> metrics) {
  std::vector<Expectation> expectations;
  const auto items = field.list();
  if (items.empty()) field.fail("is empty; a scenario that expects nothing cannot fail");
  for (const auto& item : items) {
    item.gather([&] {
      auto expectation = read_expectation(called_by(item, "expect", "id"), metrics);
      refuse_same_id(expectations, expectation, item);
      expectations.push_back(std::move(expectation));
    });
  }
  return expectations;
}

std::vector<SweepExpectation> read_sweep(const Field& field, std::span<const Metric> metrics,
                                         const Combination& variables) {
  std::vector<SweepExpectation> sweeps;
  for (const auto& item : field.list()) {
    item.gather([&] {
      auto sweep = read_sweep_entry(called_by(item, "sweep", "id"), metrics, variables);
      refuse_same_id(sweeps, sweep, item);
      sweeps.push_back(std::move(sweep));
    });
  }
  return sweeps;
}

}  // namespace daohil::hil::plan
