#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hil/host/finding.hpp"
#include "hil/host/probes.hpp"
#include "shm/time.hpp"

namespace daohil::hil::host {

/// A USB device by its numbers, for cameras that do not speak USB3 Vision.
struct UsbId {
  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  auto operator<=>(const UsbId&) const = default;
};
/// "1234:abcd", hexadecimal
[[nodiscard]] std::optional<UsbId> usb_id_in(std::string_view text);

struct Request {
  std::vector<Group> groups;  ///< empty: all

  /// The real-time cores; empty: those that are isolated.
  std::vector<int> cores;
  /// What the host shall carry; unknown is judged by the usual limits, or not at all.
  std::optional<double> stream_rate;  ///< bytes per second, of all streams together
  std::optional<shm::Rate> frame_rate;
  std::optional<std::uint64_t> fifo_bytes;  ///< of all streams together
  /// A reader that polls at real-time priority?
  enum class Polling { none, planned } polling = Polling::none;
  /// The class that is needed: less is a FAIL.
  ClaimClass claim = ClaimClass::desktop;

  /// How long each instrument measures: our own floor, cyclictest, oslat. 0: not at all.
  shm::Duration floor = std::chrono::seconds(10);
  /// How long interrupts and throttling are watched.
  shm::Duration watch = std::chrono::seconds(1);
  enum class Measure { skip, take };
  Measure rt_tests = Measure::take;
  Measure bandwidth = Measure::take;
  /// Where recordings go; the write probe is only done if there is one.
  std::optional<std::filesystem::path> record_folder;
  shm::Duration record_probe = std::chrono::seconds(10);

  /// Where streams are; empty: shm::stream_folders().
  std::vector<std::filesystem::path> stream_folders;
  std::vector<UsbId> usb_cameras;  ///< beside every USB3 Vision device
  std::vector<int> allowed_irqs;   ///< may be on real-time cores: the camera's, say

  /// The host; another folder is for tests.
  std::filesystem::path root = "/";
  std::shared_ptr<const Probes> probes = std::make_shared<const Probes>();

  /// Asked every 50 ms; what is not done by then is N/A. By the calling thread only.
  std::function<bool()> stop_requested;
  /// Told what goes on, and how long that takes at most. By the calling thread only.
  std::function<void(std::string_view what, shm::Duration length)> progress;
};

struct Examination {
  std::vector<Finding> findings;  ///< worst first
  Metrics metrics;
  ClaimClass claim = ClaimClass::desktop;
  std::string claim_why;
  /// Checks that broke, one line each: defects of the doctor, not of the host.
  std::vector<std::string> defects;
  enum class End { complete, stopped } end = End::complete;

  [[nodiscard]] std::size_t count(Status status) const;
};

/// Look at the host. Each check of the groups asked for gives at least one finding. Takes
/// 1 to 2 s, and with group rt three times `floor` more. Changes nothing, needs no root and cannot
/// hang: a check that does not answer within 10 s is N/A, and its thread is left behind.
/// Call it from one thread at a time; it starts threads and, for cyclictest and oslat, children.
[[nodiscard]] Examination examine(const Request& request);

}  // namespace daohil::hil::host
