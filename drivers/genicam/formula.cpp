#include "drivers/genicam/formula.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <utility>

namespace daohil::drivers::genicam {
namespace {

using Lookup = std::function<Value(std::string_view)>;

// 2^63 as a double; all doubles below it fit.
constexpr double kTwoTo63 = 9223372036854775808.0;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// Operators of two operands, loosest first; those of one level have one precedence. Longer ones
// come before those that they begin with.
enum class Op : std::uint8_t {
  or_,
  and_,
  bit_or,
  bit_xor,
  bit_and,
  equal,
  unequal,
  less_equal,
  greater_equal,
  less,
  greater,
  shift_left,
  shift_right,
  plus,
  minus,
  times,
  divided,
  modulo,
};
struct Operator {
  std::string_view text;
  Op op;
  int level;
};
constexpr std::array<Operator, 19> kOperators{{{"||", Op::or_, 0},
                                               {"&&", Op::and_, 1},
                                               {"<<", Op::shift_left, 7},
                                               {">>", Op::shift_right, 7},
                                               {"<>", Op::unequal, 5},
                                               {"<=", Op::less_equal, 6},
                                               {">=", Op::greater_equal, 6},
                                               {"==", Op::equal, 5},
                                               {"=", Op::equal, 5},
                                               {"|", Op::bit_or, 2},
                                               {"^", Op::bit_xor, 3},
                                               {"&", Op::bit_and, 4},
                                               {"<", Op::less, 6},
                                               {">", Op::greater, 6},
                                               {"+", Op::plus, 8},
                                               {"-", Op::minus, 8},
                                               {"*", Op::times, 9},
                                               {"/", Op::divided, 9},
                                               {"%", Op::modulo, 9}}};
constexpr int kTightest = 9;

// A device's formula may be made to hang or crash a host: nesting is bounded.
constexpr int kDeepest = 100;

class Parser {
 public:
  Parser(std::string_view text, Arithmetic arithmetic, const Lookup& lookup)
      : text_(text), arithmetic_(arithmetic), lookup_(&lookup) {}

  Value whole() {
    const Value value = condition();
    skip_blanks();
    if (at_ != text_.size()) fail("has something behind its end");
    return value;
  }

 private:
  [[noreturn]] void fail(std::string_view problem) const {
    constexpr std::size_t kShown = 120;
    throw FormulaError(
        fmt::format("formula '{}' {} at character {}", text_.substr(0, kShown), problem, at_ + 1));
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || (text_[at_] >= '\t' && text_[at_] <= '\r')))
      ++at_;
  }
  bool take(std::string_view token) {
    skip_blanks();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void need(std::string_view token) {
    if (!take(token)) fail(fmt::format("lacks '{}'", token));
  }

  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(&parser) {
      if (++parser.depth_ > kDeepest) parser.fail("is nested too deeply");
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --parser_->depth_; }

   private:
    Parser* parser_;
  };

  // Both branches are parsed, the one not taken without being computed: it may divide by zero.
  Value condition() {
    const Depth depth(*this);
    const Value chosen = binary(0);
    if (!take("?")) return chosen;
    const bool yes = computing_ ? is_true(chosen) : true;
    const Value first = branch(yes);
    need(":");
    const Value second = branch(!yes);
    return yes ? first : second;
  }
  Value branch(bool taken) {
    const bool before = std::exchange(computing_, computing_ && taken);
    const Value value = condition();
    computing_ = before;
    return value;
  }

  const Operator* take_operator(int level) {
    skip_blanks();
    const std::string_view rest = text_.substr(at_);
    for (const Operator& each : kOperators) {
      if (!rest.starts_with(each.text)) continue;
      if (each.text == "*" && rest.starts_with("**")) return nullptr;
      if (each.level != level) return nullptr;
      at_ += each.text.size();
      return &each;
    }
    return nullptr;
  }

  Value binary(int level) {
    if (level > kTightest) return power();
    Value left = binary(level + 1);
    while (const Operator* op = take_operator(level)) {
      const Value right = binary(level + 1);
      if (computing_) left = apply(op->op, left, right);
    }
    return left;
  }

  Value power() {
    const Depth depth(*this);
    const Value base = unary();
    if (!take("**")) return base;
    const Value exponent = power();  // from the right
    if (!computing_) return base;
    return result(std::pow(real_of(base), real_of(exponent)));
  }

  Value unary() {
    const Depth depth(*this);
    if (take("-")) return negate(unary());
    if (take("+")) return unary();
    if (take("~")) {
      const Value value = unary();
      return computing_ ? result_of_bits(~integer_of(value)) : value;
    }
    return primary();
  }

  Value primary() {
    if (take("(")) {
      const Value inner = condition();
      need(")");
      return inner;
    }
    skip_blanks();
    if (at_ == text_.size()) fail("ends too early");
    if (is_digit(text_[at_]) || text_[at_] == '.') return literal();
    if (is_letter(text_[at_])) return name();
    fail("has something unknown");
  }

  Value literal() {
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    if (text_.substr(at_).starts_with("0x") || text_.substr(at_).starts_with("0X")) {
      std::uint64_t number = 0;
      const auto [stop, error] = std::from_chars(begin + 2, end, number, 16);
      if (error != std::errc()) fail("has a wrong number");
      at_ += static_cast<std::size_t>(stop - begin);
      return result_of_bits(wrapped(number));
    }
    double real = 0;
    const auto [stop, error] = std::from_chars(begin, end, real);
    if (error != std::errc()) fail("has a wrong number");
    std::int64_t integer = 0;
    const auto [integer_stop, integer_error] = std::from_chars(begin, end, integer);
    at_ += static_cast<std::size_t>(stop - begin);
    if (integer_error == std::errc() && integer_stop == stop) return result_of_bits(integer);
    return result(real);
  }

  Value name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.'))
      ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (take("(")) return function(word);
    if (!computing_) return std::int64_t{0};
    if (word == "PI") return result(std::numbers::pi);
    if (word == "E") return result(std::numbers::e);
    const Value value = (*lookup_)(word);
    return arithmetic_ == Arithmetic::integer ? Value(integer_of(value)) : Value(real_of(value));
  }

  Value function(std::string_view word) {
    const Value argument = condition();
    Value digits = std::int64_t{0};
    if (take(",")) digits = condition();
    need(")");
    if (!computing_) return argument;
    const double x = real_of(argument);
    if (word == "NEG") return negate(argument);
    if (word == "SGN") return result(x > 0 ? 1 : x < 0 ? -1 : 0);
    if (word == "ABS")
      return arithmetic_ == Arithmetic::integer && integer_of(argument) < 0 ? negate(argument)
             : arithmetic_ == Arithmetic::integer                           ? argument
                                                                            : result(std::abs(x));
    if (word == "ROUND") {
      const double scale = std::pow(10.0, real_of(digits));
      return result(std::round(x * scale) / scale);
    }
    struct Named {
      std::string_view name;
      double (*call)(double);
    };
    static constexpr std::array<Named, 13> kFunctions{
        {{"SQRT", [](double v) { return std::sqrt(v); }},
         {"SIN", [](double v) { return std::sin(v); }},
         {"COS", [](double v) { return std::cos(v); }},
         {"TAN", [](double v) { return std::tan(v); }},
         {"ASIN", [](double v) { return std::asin(v); }},
         {"ACOS", [](double v) { return std::acos(v); }},
         {"ATAN", [](double v) { return std::atan(v); }},
         {"EXP", [](double v) { return std::exp(v); }},
         {"LN", [](double v) { return std::log(v); }},
         {"LG", [](double v) { return std::log10(v); }},
         {"FLOOR", [](double v) { return std::floor(v); }},
         {"CEIL", [](double v) { return std::ceil(v); }},
         {"TRUNC", [](double v) { return std::trunc(v); }}}};
    for (const Named& each : kFunctions)
      if (each.name == word) return result(each.call(x));
    fail(fmt::format("has an unknown function '{}'", word));
  }

  static bool is_true(const Value& value) { return real_of(value) != 0; }

  [[nodiscard]] Value result(double value) const {
    return arithmetic_ == Arithmetic::integer ? Value(integer_of(value)) : Value(value);
  }
  [[nodiscard]] Value result_of_bits(std::int64_t value) const {
    return arithmetic_ == Arithmetic::integer ? Value(value) : Value(static_cast<double>(value));
  }

  [[nodiscard]] Value negate(const Value& value) const {
    if (!computing_) return value;
    if (arithmetic_ == Arithmetic::integer) return wrapped(0 - bits(integer_of(value)));
    return -real_of(value);
  }

  [[nodiscard]] Value apply(Op op, const Value& left, const Value& right) const {
    switch (op) {
      case Op::or_:
        return result_of_bits(is_true(left) || is_true(right));
      case Op::and_:
        return result_of_bits(is_true(left) && is_true(right));
      case Op::bit_or:
      case Op::bit_xor:
      case Op::bit_and:
      case Op::shift_left:
      case Op::shift_right:
        return result_of_bits(apply_bits(op, integer_of(left), integer_of(right)));
      default:
        return arithmetic_ == Arithmetic::integer
                   ? apply_integers(op, integer_of(left), integer_of(right))
                   : apply_reals(op, real_of(left), real_of(right));
    }
  }

  [[nodiscard]] std::int64_t apply_bits(Op op, std::int64_t left, std::int64_t right) const {
    const bool shift_fits = right >= 0 && right < 64;
    switch (op) {
      case Op::bit_or:
        return left | right;
      case Op::bit_xor:
        return left ^ right;
      case Op::bit_and:
        return left & right;
      case Op::shift_left:
        if (!shift_fits) fail("shifts too far");
        return wrapped(bits(left) << bits(right));
      default:
        if (!shift_fits) fail("shifts too far");
        return left >> right;
    }
  }

  [[nodiscard]] Value apply_integers(Op op, std::int64_t left, std::int64_t right) const {
    switch (op) {
      case Op::plus:
        return wrapped(bits(left) + bits(right));
      case Op::minus:
        return wrapped(bits(left) - bits(right));
      case Op::times:
        return wrapped(bits(left) * bits(right));
      case Op::divided:
        if (right == 0) fail("divides by zero");
        // -2^63 / -1 does not fit.
        return right == -1 ? wrapped(0 - bits(left)) : left / right;
      case Op::modulo:
        if (right == 0) fail("divides by zero");
        return right == -1 ? std::int64_t{0} : left % right;
      default:
        return std::int64_t{compare(op, left, right)};
    }
  }

  [[nodiscard]] Value apply_reals(Op op, double left, double right) const {
    switch (op) {
      case Op::plus:
        return left + right;
      case Op::minus:
        return left - right;
      case Op::times:
        return left * right;
      case Op::divided:
        if (right == 0) fail("divides by zero");
        return left / right;
      case Op::modulo:
        if (right == 0) fail("divides by zero");
        return std::fmod(left, right);
      default:
        return compare(op, left, right) ? 1.0 : 0.0;
    }
  }

  template <typename T>
  static bool compare(Op op, T left, T right) {
    switch (op) {
      case Op::equal:
        return left == right;
      case Op::unequal:
        return left != right;
      case Op::less_equal:
        return left <= right;
      case Op::greater_equal:
        return left >= right;
      case Op::less:
        return left < right;
      default:
        return left > right;
    }
  }

  std::string_view text_;
  Arithmetic arithmetic_;
  const Lookup* lookup_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool computing_ = true;
};

}  // namespace

double real_of(const Value& value) {
  return std::visit([](auto number) { return static_cast<double>(number); }, value);
}

std::int64_t integer_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  const double real = std::get<double>(value);
  if (!(real >= -kTwoTo63 && real < kTwoTo63))
    throw FormulaError(fmt::format("{} is no integer of 64 bits", real));
  return static_cast<std::int64_t>(real);
}

Value evaluate(std::string_view formula, Arithmetic arithmetic, const Lookup& lookup) {
  return Parser(formula, arithmetic, lookup).whole();
}

}  // namespace daohil::drivers::genicam
