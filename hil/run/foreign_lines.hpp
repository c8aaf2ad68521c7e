#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/camera.hpp"
#include "hil/plan/case.hpp"
#include "hil/trace.hpp"
#include "shm/time.hpp"

namespace daohil::hil::run {

/// A sum of the pixels a program got, as it reported it.
struct ReportedSum {
  drivers::PixelSum kind;
  std::uint32_t value;
};

/// One call of a program that is not ours.
struct ReportedCall {
  CallEvent event;
  std::optional<ReportedSum> sum{};
  bool counter_only = false;   ///< the minimal form: status and lost frames are to be inferred
  bool lost_reported = false;  ///< `lost=` was given
};

/// What a reader program prints, line by line, as hil/readers/README.md defines it. Believes
/// nothing: bytes come from any program. One thread at a time.
class ForeignLines {
 public:
  static constexpr std::size_t kLongestLine = 1024;  ///< bytes, without its end
  static constexpr std::size_t kPreamble = 1000;     ///< lines before the first of the protocol

  /// @param reader its name, for messages @param most calls there is room for
  ForeignLines(std::string reader, std::size_t most);

  /// More of its standard output. Times are CLOCK_MONOTONIC.
  /// @param arrival when these bytes were there to be read
  /// @throws std::runtime_error on a malformed line, naming reader, line number and content; when
  ///         there are more calls than room, or more lines than kPreamble and none of the protocol.
  ///         What was read before stays.
  void take(std::string_view bytes, shm::MonotonicTime arrival);
  /// There is no more: a last line may lack its end. @throws std::runtime_error as take
  void end(shm::MonotonicTime arrival);

  /// It said `ready`, or reported a call, which says the same.
  [[nodiscard]] bool ready() const { return ready_; }
  /// Counter of its tail at open, if it said `ready <counter>`.
  [[nodiscard]] std::optional<std::uint64_t> tail_at_open() const { return tail_at_open_; }
  [[nodiscard]] const std::vector<ReportedCall>& calls() const { return calls_; }
  /// The first line of those that were passed over for being before the protocol; empty if none.
  [[nodiscard]] const std::string& preamble() const { return preamble_; }

 private:
  void line(std::string_view text, shm::MonotonicTime arrival);
  void counter_line(std::string_view text, shm::MonotonicTime arrival);
  void call_line(std::string_view text, shm::MonotonicTime arrival);
  void ready_line(std::string_view text);
  void add(const ReportedCall& call);
  [[noreturn]] void malformed(std::string_view text, std::string_view why) const;

  std::string reader_;
  std::size_t most_;
  std::string rest_;          // of a line whose end has not come
  std::uint64_t number_ = 0;  // of the present line
  bool begun_ = false;        // a line of the protocol has come
  bool ready_ = false;
  std::optional<std::uint64_t> tail_at_open_;
  std::string preamble_;
  std::vector<ReportedCall> calls_;
  std::int64_t last_before_ = 0;
  std::int64_t last_after_ = 0;
};

/// Complete what minimal lines leave open. Of mode next: the counter after the previous one is a
/// success, a larger one an overwrite that lost those between; what does not increase stays a
/// success, for the judge to see. Other modes deliver without a claim on what was skipped.
/// @param first counter of the reader's tail at open
void infer_status(std::vector<ReportedCall>& calls, std::uint64_t first, plan::ReadMode mode);

/// Text of any bytes on one line, for messages: what is not printable ASCII as \xNN, cut with "..."
[[nodiscard]] std::string printable(std::string_view bytes, std::size_t longest = 120);

}  // namespace daohil::hil::run
