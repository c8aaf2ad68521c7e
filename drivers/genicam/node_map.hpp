#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/genicam/port.hpp"

namespace daohil::drivers::genicam {

/// Where an integer feature may be set: min, min + step, ..., at most max.
struct IntegerRange {
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::int64_t step = 1;
};
struct RealRange {
  double min = 0;
  double max = 0;
};

/// The features of a camera by their names, as its own description (GenICam XML) defines them over
/// its registers. Understood are Integer, IntReg, MaskedIntReg, StructReg, Float, FloatReg,
/// Enumeration, Boolean, Command, String, StringReg, Register, Converter, IntConverter, SwissKnife
/// and IntSwissKnife, with indirect values, addresses, limits, availability and locks, and values
/// by index. Nothing is cached: every call goes to the device. For one thread.
///
/// A description comes from a device and is trusted with nothing: cycles, endless nesting and
/// computations that explode are errors. Every call throws drivers::Error, on one line, naming the
/// feature and the way out.
class NodeMap {
 public:
  /// @param owner for messages, e.g. "camera usb 'SN1'"
  /// @param port must outlive the node map
  NodeMap(std::string owner, std::string_view xml, Port& port);
  ~NodeMap();
  NodeMap(NodeMap&&) noexcept;
  NodeMap& operator=(NodeMap&&) noexcept;

  /// Whether the description has such a feature and the device, at present, too.
  [[nodiscard]] bool has(std::string_view feature) const;
  [[nodiscard]] bool is_writable(std::string_view feature) const;

  [[nodiscard]] std::int64_t integer(std::string_view feature) const;
  [[nodiscard]] double real(std::string_view feature) const;
  /// The name of the entry that is set, of an enumeration; "true" or "false"; a number; a text.
  [[nodiscard]] std::string text(std::string_view feature) const;
  [[nodiscard]] IntegerRange integer_range(std::string_view feature) const;
  [[nodiscard]] RealRange real_range(std::string_view feature) const;
  /// Names of the entries that the device has, of an enumeration.
  [[nodiscard]] std::vector<std::string> entries(std::string_view feature) const;

  void set_integer(std::string_view feature, std::int64_t value);
  void set_real(std::string_view feature, double value);
  /// By the kind of the feature: the name of an entry, a number, true or false, a text; for a
  /// command "1" executes it.
  void set_text(std::string_view feature, std::string_view value);
  void execute(std::string_view command);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daohil::drivers::genicam
