#include "drivers/genicam/node_map.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <pugixml.hpp>
#include <unordered_map>
#include <utility>

#include "drivers/error.hpp"
#include "drivers/genicam/detail/register_bits.hpp"
#include "drivers/genicam/formula.hpp"

namespace daohil::drivers::genicam {
namespace {

using detail::BitField;
using detail::Endian;
using pugi::xml_node;

constexpr int kDeepest = 64;        // indirections from a feature to a register
constexpr int kMostVisits = 20000;  // nodes looked at for one call
constexpr std::size_t kLargestRegister = 1U << 16U;

std::string_view kind_of(const xml_node& node) { return node.name(); }
std::string_view name_of(const xml_node& node) { return node.attribute("Name").value(); }
bool is(const xml_node& node, std::string_view kind) { return kind_of(node) == kind; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Integers may be decimal or 0x...; numbers above 2^63 are bit patterns.
std::optional<std::int64_t> to_integer(std::string_view text) {
  text = trimmed(text);
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return static_cast<std::int64_t>(minus ? 0 - number : number);
}

std::optional<double> to_real(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

bool is_register(const xml_node& node) {
  constexpr std::array<std::string_view, 6> kKinds{"IntReg",    "MaskedIntReg", "FloatReg",
                                                   "StringReg", "Register",     "StructEntry"};
  return std::find(kKinds.begin(), kKinds.end(), kind_of(node)) != kKinds.end();
}

// Entries of a StructReg share its address; the rest each has for itself.
xml_node register_of(const xml_node& node) {
  return is(node, "StructEntry") ? node.parent() : node;
}

xml_node own_or_shared(const xml_node& node, const char* tag) {
  if (const xml_node own = node.child(tag)) return own;
  return is(node, "StructEntry") ? node.parent().child(tag) : xml_node();
}

}  // namespace

class NodeMap::Impl {
 public:
  Impl(std::string owner, std::string_view xml, Port& port)
      : owner_(std::move(owner)), port_(&port) {
    const auto parsed = document_.load_buffer(xml.data(), xml.size());
    if (!parsed)
      throw Error(fmt::format("{}: its description is no XML: {} at byte {} of {}", owner_,
                              parsed.description(), parsed.offset, xml.size()));
    const xml_node root = document_.child("RegisterDescription");
    if (!root) throw Error(fmt::format("{}: its description has no RegisterDescription", owner_));
    index(root, 0);
  }

  // ---- what the public calls share

  // One public call: its work is bounded, whatever the description says.
  template <class F>
  auto call(std::string_view feature, const F& body) const {
    visits_ = 0;
    try {
      return body();
    } catch (const FormulaError& error) {
      fail(feature, fmt::format("cannot be computed: {}", error.what()));
    }
  }

  [[noreturn]] void fail(std::string_view feature, std::string_view problem) const {
    throw Error(fmt::format("{}: feature {} {}", owner_, feature, problem));
  }

  [[nodiscard]] xml_node find(std::string_view name) const {
    const auto found = nodes_.find(std::string(name));
    return found == nodes_.end() ? xml_node() : found->second;
  }
  [[nodiscard]] xml_node need(std::string_view name) const {
    const xml_node node = find(name);
    if (!node) fail(name, "is not there; leave it out or name another one of this camera");
    return node;
  }

  [[nodiscard]] bool is_available(const xml_node& node) const {
    const Depth depth(*this, node);
    for (const char* tag : {"pIsImplemented", "pIsAvailable"})
      if (const xml_node link = node.child(tag); link && !is_true(follow(link))) return false;
    const std::string_view access = access_of(node);
    if (access == "NI" || access == "NA") return false;
    const xml_node value = node.child("pValue");
    return !value || is_available(follow(value));
  }

  [[nodiscard]] std::string_view access_of(const xml_node& node) const {
    if (const xml_node imposed = node.child("ImposedAccessMode"))
      return trimmed(imposed.text().get());
    return trimmed(own_or_shared(node, "AccessMode").text().get());
  }

  /// Why it cannot be written; empty: it can.
  [[nodiscard]] std::string_view lock_of(const xml_node& node) const {
    const Depth depth(*this, node);
    if (const xml_node link = node.child("pIsLocked"); link && is_true(follow(link)))
      return "is locked at present; stop the acquisition";
    const std::string_view access = access_of(node);
    if (access == "RO") return "can only be read; leave it out";
    if (is(node, "SwissKnife") || is(node, "IntSwissKnife"))
      return "is computed and can only be read; leave it out";
    const xml_node value = node.child("pValue");
    return value ? lock_of(follow(value)) : std::string_view{};
  }

  void check_writable(const xml_node& node) const {
    if (!is_available(node)) fail(name_of(node), "is not available at the present settings");
    if (const auto why = lock_of(node); !why.empty()) fail(name_of(node), why);
  }

  // ---- values

  [[nodiscard]] Value value(const xml_node& node) const {
    const Depth depth(*this, node);
    const std::string_view kind = kind_of(node);
    if (kind == "IntReg" || kind == "MaskedIntReg" || kind == "StructEntry")
      return read_integer(node);
    if (kind == "FloatReg") return read_real(node);
    if (kind == "SwissKnife") return compute(node, "Formula", Arithmetic::real);
    if (kind == "IntSwissKnife") return compute(node, "Formula", Arithmetic::integer);
    if (kind == "Converter") return converted(node, Arithmetic::real);
    if (kind == "IntConverter") return converted(node, Arithmetic::integer);
    if (kind == "Boolean") return std::int64_t{is_on(node)};
    if (kind == "Integer" || kind == "Enumeration" || kind == "Command")
      return integer_of(linked(node, "Value", "pValue"));
    if (kind == "EnumEntry") return integer_of(linked(node, "Value", "pValue"));
    if (kind == "Float") return real_of(linked(node, "Value", "pValue"));
    fail(name_of(node), fmt::format("is a {} and has no value", kind));
  }

  // Directly, by reference, or by an index into a list of both.
  [[nodiscard]] Value linked(const xml_node& node, const char* direct, const char* link) const {
    if (const xml_node to = node.child(link)) return value(follow(to));
    if (const xml_node text = node.child(direct)) return literal(node, text);
    if (const xml_node by = node.child("pIndex")) return indexed(node, follow(by));
    fail(name_of(node), fmt::format("has no {}", direct));
  }

  [[nodiscard]] Value indexed(const xml_node& node, const xml_node& by) const {
    const std::int64_t index = integer_of(value(by));
    for (const xml_node& child : node.children()) {
      const bool direct = is(child, "ValueIndexed");
      if (!direct && !is(child, "pValueIndexed")) continue;
      if (to_integer(child.attribute("Index").value()) != index) continue;
      return direct ? literal(node, child) : value(follow(child));
    }
    if (const xml_node other = node.child("pValueDefault")) return value(follow(other));
    if (const xml_node other = node.child("ValueDefault")) return literal(node, other);
    fail(name_of(node), fmt::format("has no value of index {}", index));
  }

  [[nodiscard]] Value literal(const xml_node& node, const xml_node& text) const {
    if (const auto integer = to_integer(text.text().get())) return *integer;
    if (const auto real = to_real(text.text().get())) return *real;
    fail(name_of(node),
         fmt::format("has {} '{}', which is no number", kind_of(text), trimmed(text.text().get())));
  }

  [[nodiscard]] bool is_true(const xml_node& node) const { return real_of(value(node)) != 0; }

  [[nodiscard]] bool is_on(const xml_node& node) const {
    const std::int64_t found = integer_of(linked(node, "Value", "pValue"));
    return found == integer_at(node, "OnValue", 1);
  }

  [[nodiscard]] std::int64_t integer_at(const xml_node& node, const char* tag,
                                        std::int64_t otherwise) const {
    const xml_node child = node.child(tag);
    return child ? integer_of(literal(node, child)) : otherwise;
  }

  void set_value(const xml_node& node, const Value& to) {
    const Depth depth(*this, node);
    const std::string_view kind = kind_of(node);
    if (kind == "IntReg" || kind == "MaskedIntReg" || kind == "StructEntry")
      return write_integer(node, integer_of(to));
    if (kind == "FloatReg") return write_real(node, real_of(to));
    if (kind == "Converter") return set_converted(node, to, Arithmetic::real);
    if (kind == "IntConverter") return set_converted(node, to, Arithmetic::integer);
    if (kind == "Boolean")
      return set_linked(node, integer_of(to) != 0 ? integer_at(node, "OnValue", 1)
                                                  : integer_at(node, "OffValue", 0));
    if (kind == "Integer" || kind == "Enumeration" || kind == "Command" || kind == "Float")
      return set_linked(node, to);
    fail(name_of(node), fmt::format("is a {} and cannot be set", kind));
  }

  void set_linked(const xml_node& node, const Value& to) {
    if (const xml_node link = node.child("pValue")) {
      set_value(follow(link), to);
      for (const xml_node& copy : node.children("pValueCopy")) set_value(follow(copy), to);
      return;
    }
    if (const xml_node by = node.child("pIndex")) return set_indexed(node, follow(by), to);
    xml_node own = node.child("Value");
    if (!own) fail(name_of(node), "has no value that could be set");
    const std::string text = std::visit([](auto number) { return fmt::format("{}", number); }, to);
    own.text().set(text.c_str());
  }

  void set_indexed(const xml_node& node, const xml_node& by, const Value& to) {
    const std::int64_t index = integer_of(value(by));
    for (const xml_node& child : node.children("pValueIndexed"))
      if (to_integer(child.attribute("Index").value()) == index)
        return set_value(follow(child), to);
    if (const xml_node other = node.child("pValueDefault")) return set_value(follow(other), to);
    fail(name_of(node), fmt::format("has no register of index {}", index));
  }

  // ---- formulas

  [[nodiscard]] Value compute(const xml_node& node, const char* formula, Arithmetic arithmetic,
                              std::string_view extra_name = {},
                              const Value* extra = nullptr) const {
    const auto lookup = [&](std::string_view name) -> Value {
      if (extra != nullptr && name == extra_name) return *extra;
      return variable(node, name, arithmetic);
    };
    const xml_node text = node.child(formula);
    if (!text) fail(name_of(node), fmt::format("has no {}", formula));
    try {
      return evaluate(trimmed(text.text().get()), arithmetic, lookup);
    } catch (const FormulaError& error) {
      fail(name_of(node), fmt::format("cannot be computed: {}", error.what()));
    }
  }

  [[nodiscard]] Value variable(const xml_node& node, std::string_view name,
                               Arithmetic arithmetic) const {
    const auto named = [&](const char* tag) {
      return node.find_child(
          [&](const xml_node& child) { return is(child, tag) && name_of(child) == name; });
    };
    if (const xml_node link = named("pVariable")) return property(node, link, name);
    if (const xml_node constant = named("Constant")) return literal(node, constant);
    if (const xml_node expression = named("Expression")) {
      const Depth depth(*this, node);
      return evaluate(trimmed(expression.text().get()), arithmetic,
                      [&](std::string_view inner) { return variable(node, inner, arithmetic); });
    }
    fail(name_of(node), fmt::format("has no variable {} that its formula uses", name));
  }

  // A variable may mean a limit or an entry of what it refers to: "X.Max", "X.Entry.On".
  [[nodiscard]] Value property(const xml_node& node, const xml_node& link,
                               std::string_view name) const {
    const xml_node to = follow(link);
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return value(to);
    const std::string_view what = name.substr(dot + 1);
    if (what == "Value") return value(to);
    if (what == "Min") return limit(to, "Min", "pMin").value_or(std::int64_t{0});
    if (what == "Max") return limit(to, "Max", "pMax").value_or(std::int64_t{0});
    if (what == "Inc") return limit(to, "Inc", "pInc").value_or(std::int64_t{1});
    constexpr std::string_view kEntry = "Entry.";
    if (what.starts_with(kEntry)) return value(entry(to, what.substr(kEntry.size())));
    fail(name_of(node), fmt::format("uses {}, which is not understood", name));
  }

  [[nodiscard]] Value converted(const xml_node& node, Arithmetic arithmetic) const {
    const xml_node link = node.child("pValue");
    if (!link) fail(name_of(node), "converts nothing");
    const Value raw = value(follow(link));
    return compute(node, "FormulaFrom", arithmetic, "TO", &raw);
  }

  void set_converted(const xml_node& node, const Value& to, Arithmetic arithmetic) {
    const xml_node link = node.child("pValue");
    if (!link) fail(name_of(node), "converts nothing");
    Value raw = compute(node, "FormulaTo", arithmetic, "FROM", &to);
    // To the nearest, where a real becomes an integer: 99.99999 us are 100.
    const xml_node target = follow(link);
    if (const auto* real = std::get_if<double>(&raw); real != nullptr && !is_real(target))
      raw = std::round(*real);
    set_value(target, raw);
  }

  [[nodiscard]] static bool is_real(const xml_node& node) {
    const std::string_view kind = kind_of(node);
    return kind == "Float" || kind == "FloatReg" || kind == "Converter" || kind == "SwissKnife";
  }

  // ---- limits

  [[nodiscard]] std::optional<Value> limit(const xml_node& node, const char* direct,
                                           const char* link) const {
    const Depth depth(*this, node);
    if (const xml_node to = node.child(link)) return value(follow(to));
    if (const xml_node text = node.child(direct)) return literal(node, text);
    const std::string_view kind = kind_of(node);
    if (kind != "Integer" && kind != "Float") return std::nullopt;
    const xml_node value_link = node.child("pValue");
    return value_link ? limit(follow(value_link), direct, link) : std::nullopt;
  }

  [[nodiscard]] IntegerRange integer_range(const xml_node& node) const {
    IntegerRange range{std::numeric_limits<std::int64_t>::min(),
                       std::numeric_limits<std::int64_t>::max(), 1};
    if (const auto min = limit(node, "Min", "pMin")) range.min = integer_of(*min);
    if (const auto max = limit(node, "Max", "pMax")) range.max = integer_of(*max);
    if (const auto step = limit(node, "Inc", "pInc"))
      range.step = std::max<std::int64_t>(1, integer_of(*step));
    return range;
  }

  [[nodiscard]] RealRange real_range(const xml_node& node) const {
    RealRange range{std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max()};
    if (const auto min = limit(node, "Min", "pMin")) range.min = real_of(*min);
    if (const auto max = limit(node, "Max", "pMax")) range.max = real_of(*max);
    return range;
  }

  void check_range(const xml_node& node, const Value& to) const {
    if (is(node, "Integer") || is(node, "IntReg")) {
      const IntegerRange range = integer_range(node);
      const std::int64_t wanted = integer_of(to);
      // The distance as unsigned: it may be larger than the largest integer.
      const auto distance =
          static_cast<std::uint64_t>(wanted) - static_cast<std::uint64_t>(range.min);
      const bool has_min = range.min != std::numeric_limits<std::int64_t>::min();
      if (wanted < range.min || wanted > range.max ||
          (has_min && distance % static_cast<std::uint64_t>(range.step) != 0))
        fail(name_of(node), fmt::format("cannot be {}; it goes from {} to {} in steps of {}",
                                        wanted, range.min, range.max, range.step));
      return;
    }
    if (!is_real(node)) return;
    const RealRange range = real_range(node);
    const double wanted = real_of(to);
    if (!(wanted >= range.min && wanted <= range.max))
      fail(name_of(node),
           fmt::format("cannot be {}; it goes from {} to {}", wanted, range.min, range.max));
  }

  // ---- enumerations

  [[nodiscard]] xml_node entry(const xml_node& node, std::string_view name) const {
    for (const xml_node& each : node.children("EnumEntry"))
      if (name_of(each) == name || std::string_view(each.child("Symbolic").text().get()) == name)
        return each;
    fail(name_of(node),
         fmt::format("has no entry '{}'; it has {}", name, fmt::join(entries(node), ", ")));
  }

  [[nodiscard]] std::vector<std::string> entries(const xml_node& node) const {
    std::vector<std::string> names;
    for (const xml_node& each : node.children("EnumEntry"))
      if (is_available(each)) names.emplace_back(name_of(each));
    return names;
  }

  [[nodiscard]] std::string entry_set(const xml_node& node) const {
    const std::int64_t found = integer_of(value(node));
    for (const xml_node& each : node.children("EnumEntry"))
      if (integer_of(value(each)) == found) return std::string(name_of(each));
    fail(name_of(node), fmt::format("is {}, which is none of its entries", found));
  }

  // ---- by the kind of the feature

  [[nodiscard]] std::string text(const xml_node& node) const {
    if (is(node, "Enumeration")) return entry_set(node);
    if (is(node, "Boolean")) return is_on(node) ? "true" : "false";
    if (holds_text(node)) return read_text(node);
    return std::visit([](auto number) { return fmt::format("{}", number); }, value(node));
  }

  void set_checked(const xml_node& node, const Value& to) {
    check_writable(node);
    check_range(node, to);
    set_value(node, to);
  }

  void set_text(const xml_node& node, std::string_view to) {
    check_writable(node);
    if (is(node, "Enumeration")) return set_value(node, value(entry(node, to)));
    if (holds_text(node)) return write_text(node, to);
    if (is(node, "Command")) return execute(node);
    if (is(node, "Boolean") && (to == "true" || to == "false"))
      return set_value(node, std::int64_t{to == "true"});
    set_checked(node, number_for(node, to));
  }

  [[nodiscard]] Value number_for(const xml_node& node, std::string_view text) const {
    if (const auto integer = to_integer(text)) return *integer;
    if (const auto real = to_real(text); real && is_real(node)) return *real;
    const std::string_view expected = is(node, "Boolean") ? "true or false"
                                      : is_real(node)     ? "a number"
                                                          : "a whole number";
    fail(name_of(node), fmt::format("cannot be '{}'; give {}", text, expected));
  }

  void execute(const xml_node& node) {
    if (!is(node, "Command")) fail(name_of(node), "is no command");
    check_writable(node);
    Value value = std::int64_t{1};
    if (node.child("CommandValue") || node.child("pCommandValue"))
      value = linked(node, "CommandValue", "pCommandValue");
    set_value(node, value);
  }

  static bool holds_text(const xml_node& node) {
    return is(node, "String") || is(node, "StringReg") || is(node, "Register");
  }

  // ---- registers

  [[nodiscard]] std::string read_text(const xml_node& node) const {
    const Depth depth(*this, node);
    if (is(node, "String")) {
      if (const xml_node link = node.child("pValue")) return read_text(follow(link));
      return std::string(trimmed(node.child("Value").text().get()));
    }
    const std::vector<std::byte> bytes = read_bytes(node);
    std::string text;
    for (const std::byte b : bytes) {
      const auto c = std::to_integer<unsigned char>(b);
      if (c == 0) break;
      text += c >= 0x20 && c != 0x7F ? static_cast<char>(c) : '?';
    }
    return text;
  }

  void write_text(const xml_node& node, std::string_view text) {
    const Depth depth(*this, node);
    if (is(node, "String") && node.child("pValue"))
      return write_text(follow(node.child("pValue")), text);
    const std::size_t length = length_of(node);
    if (text.size() > length)
      fail(name_of(node), fmt::format("holds {} characters, '{}' has more", length, text));
    std::vector<std::byte> bytes(length);
    std::memcpy(bytes.data(), text.data(), text.size());
    port_->write(address_of(node), bytes);
  }

  [[nodiscard]] std::vector<std::byte> read_bytes(const xml_node& node) const {
    check_port(node);
    std::vector<std::byte> bytes(length_of(node));
    port_->read(address_of(node), bytes);
    return bytes;
  }

  [[nodiscard]] std::int64_t read_integer(const xml_node& node) const {
    const std::vector<std::byte> bytes = read_number(node);
    const BitField field = field_of(node, bytes.size());
    const std::uint64_t raw = field.extract(detail::load(bytes, endian_of(node)));
    const bool is_signed =
        trimmed(own_or_shared(node, "Sign").text().get()) == std::string_view("Signed");
    return is_signed ? field.with_sign(raw) : static_cast<std::int64_t>(raw);
  }

  void write_integer(const xml_node& node, std::int64_t to) {
    check_port(node);
    std::vector<std::byte> bytes(number_length_of(node));
    const BitField field = field_of(node, bytes.size());
    std::uint64_t whole = 0;
    // The bits beside it keep their values.
    if (field.count < 8 * bytes.size()) whole = detail::load(read_number(node), endian_of(node));
    detail::store(bytes, endian_of(node), field.insert(whole, static_cast<std::uint64_t>(to)));
    port_->write(address_of(node), bytes);
  }

  [[nodiscard]] double read_real(const xml_node& node) const {
    const std::vector<std::byte> bytes = read_number(node);
    const std::uint64_t raw = detail::load(bytes, endian_of(node));
    if (bytes.size() == 8) return std::bit_cast<double>(raw);
    if (bytes.size() == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(raw));
    fail(name_of(node), fmt::format("is a real number of {} bytes", bytes.size()));
  }

  void write_real(const xml_node& node, double to) {
    check_port(node);
    std::vector<std::byte> bytes(number_length_of(node));
    if (bytes.size() == 8)
      detail::store(bytes, endian_of(node), std::bit_cast<std::uint64_t>(to));
    else if (bytes.size() == 4)
      detail::store(bytes, endian_of(node), std::bit_cast<std::uint32_t>(static_cast<float>(to)));
    else
      fail(name_of(node), fmt::format("is a real number of {} bytes", bytes.size()));
    port_->write(address_of(node), bytes);
  }

  [[nodiscard]] std::vector<std::byte> read_number(const xml_node& node) const {
    check_port(node);
    std::vector<std::byte> bytes(number_length_of(node));
    port_->read(address_of(node), bytes);
    return bytes;
  }

  [[nodiscard]] std::size_t number_length_of(const xml_node& node) const {
    const std::size_t length = length_of(node);
    if (length < 1 || length > 8)
      fail(name_of(node), fmt::format("is a number of {} bytes", length));
    return length;
  }

  [[nodiscard]] std::size_t length_of(const xml_node& node) const {
    if (!is_register(node)) fail(name_of(node), "is no register");
    const std::int64_t length = integer_of(linked(register_of(node), "Length", "pLength"));
    if (length < 1 || static_cast<std::uint64_t>(length) > kLargestRegister)
      fail(name_of(node), fmt::format("has a register of {} bytes", length));
    return static_cast<std::size_t>(length);
  }

  // The sum of all that is given: addresses, references, formulas, index times offset.
  [[nodiscard]] std::uint64_t address_of(const xml_node& entry_or_register) const {
    const xml_node node = register_of(entry_or_register);
    std::uint64_t address = 0;
    const auto add = [&](const Value& term) {
      address += static_cast<std::uint64_t>(integer_of(term));
    };
    for (const xml_node& child : node.children()) {
      if (is(child, "Address")) add(literal(node, child));
      if (is(child, "pAddress")) add(value(follow(child)));
      if (is(child, "IntSwissKnife")) add(value(child));
      if (is(child, "pIndex")) {
        std::int64_t offset = static_cast<std::int64_t>(length_of(node));
        if (const auto attribute = child.attribute("Offset"))
          offset = to_integer(attribute.value()).value_or(0);
        else if (const auto link = child.attribute("pOffset"))
          offset = integer_of(value(need(link.value())));
        address += static_cast<std::uint64_t>(integer_of(value(follow(child)))) *
                   static_cast<std::uint64_t>(offset);
      }
    }
    return address;
  }

  [[nodiscard]] Endian endian_of(const xml_node& node) const {
    // The schema spells it so.
    const std::string_view text = trimmed(own_or_shared(node, "Endianess").text().get());
    return text == "BigEndian" ? Endian::big : Endian::little;
  }

  // Of a big-endian register bit 0 is the highest one (GenICam Standard 2.1.1, section 2.8.5).
  [[nodiscard]] BitField field_of(const xml_node& node, std::size_t bytes) const {
    const auto whole = static_cast<unsigned>(8 * bytes);
    if (!is(node, "MaskedIntReg") && !is(node, "StructEntry")) return {0, whole};
    const std::int64_t bit = integer_at(node, "Bit", -1);
    std::int64_t low = integer_at(node, "LSB", bit);
    std::int64_t high = integer_at(node, "MSB", bit);
    if (endian_of(node) == Endian::big) {
      low = whole - 1 - low;
      high = whole - 1 - high;
    }
    if (low > high) std::swap(low, high);
    if (low < 0 || high >= whole)
      fail(name_of(node), fmt::format("has bits {} to {} of a register of {}", low, high, whole));
    return {static_cast<unsigned>(low), static_cast<unsigned>(high - low + 1)};
  }

  // Chunks and events have ports of their own, with nothing behind them outside of a frame.
  void check_port(const xml_node& node) const {
    const xml_node link = own_or_shared(node, "pPort");
    if (!link) return;
    const xml_node port = find(trimmed(link.text().get()));
    if (port.child("ChunkID") || port.child("pChunkID") || port.child("EventID"))
      fail(name_of(node), "is part of a frame's chunk or of an event, not of the device");
  }

 private:
  // One step of an indirection.
  class Depth {
   public:
    Depth(const Impl& map, const xml_node& node) : map_(&map) {
      map_->visit();
      if (++map_->depth_ > kDeepest) {
        --map_->depth_;
        map_->fail(name_of(node), "refers to itself, or through too many others");
      }
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --map_->depth_; }

   private:
    const Impl* map_;
  };

  void visit() const {
    if (++visits_ > kMostVisits)
      throw Error(fmt::format("{}: its description needs more than {} steps for one feature",
                              owner_, kMostVisits));
  }

  [[nodiscard]] xml_node follow(const xml_node& link) const {
    return need(trimmed(link.text().get()));
  }

  void index(const xml_node& parent, int level) {
    if (level > kDeepest)
      throw Error(fmt::format("{}: its description has groups in {} groups", owner_, level));
    for (const xml_node& node : parent.children()) {
      if (is(node, "Group"))
        index(node, level + 1);
      else if (is(node, "StructReg"))
        for (const xml_node& entry : node.children("StructEntry"))
          nodes_.emplace(name_of(entry), entry);
      if (!name_of(node).empty()) nodes_.emplace(name_of(node), node);
    }
  }

  std::string owner_;
  Port* port_;
  pugi::xml_document document_;
  std::unordered_map<std::string, xml_node> nodes_;
  mutable int depth_ = 0;
  mutable int visits_ = 0;
};

NodeMap::NodeMap(std::string owner, std::string_view xml, Port& port)
    : impl_(std::make_unique<Impl>(std::move(owner), xml, port)) {}
NodeMap::~NodeMap() = default;
NodeMap::NodeMap(NodeMap&&) noexcept = default;
NodeMap& NodeMap::operator=(NodeMap&&) noexcept = default;

bool NodeMap::has(std::string_view feature) const {
  return impl_->call(feature, [&] {
    const xml_node node = impl_->find(feature);
    return node && impl_->is_available(node);
  });
}

bool NodeMap::is_writable(std::string_view feature) const {
  return impl_->call(feature, [&] {
    const xml_node node = impl_->find(feature);
    return node && impl_->is_available(node) && impl_->lock_of(node).empty();
  });
}

std::int64_t NodeMap::integer(std::string_view feature) const {
  return impl_->call(feature, [&] { return integer_of(impl_->value(impl_->need(feature))); });
}

double NodeMap::real(std::string_view feature) const {
  return impl_->call(feature, [&] { return real_of(impl_->value(impl_->need(feature))); });
}

std::string NodeMap::text(std::string_view feature) const {
  return impl_->call(feature, [&] { return impl_->text(impl_->need(feature)); });
}

IntegerRange NodeMap::integer_range(std::string_view feature) const {
  return impl_->call(feature, [&] { return impl_->integer_range(impl_->need(feature)); });
}

RealRange NodeMap::real_range(std::string_view feature) const {
  return impl_->call(feature, [&] { return impl_->real_range(impl_->need(feature)); });
}

std::vector<std::string> NodeMap::entries(std::string_view feature) const {
  return impl_->call(feature, [&] { return impl_->entries(impl_->need(feature)); });
}

void NodeMap::set_integer(std::string_view feature, std::int64_t value) {
  impl_->call(feature, [&] { impl_->set_checked(impl_->need(feature), value); });
}

void NodeMap::set_real(std::string_view feature, double value) {
  impl_->call(feature, [&] { impl_->set_checked(impl_->need(feature), value); });
}

void NodeMap::set_text(std::string_view feature, std::string_view value) {
  impl_->call(feature, [&] { impl_->set_text(impl_->need(feature), value); });
}

void NodeMap::execute(std::string_view command) {
  impl_->call(command, [&] { impl_->execute(impl_->need(command)); });
}

}  // namespace daohil::drivers::genicam
