#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/rate_profile.hpp"
#include "shm/frame.hpp"
#include "shm/time.hpp"

namespace daohil::drivers {

using shm::Duration;
using shm::FrameFormat;
using shm::FrameId;
using shm::MonotonicTime;
using shm::Rate;

/// What to do with frames that fell due while the host did not come: a free-running camera's
/// choice.
enum class OnLate {
  skip,   ///< they are gone; the frame id shows the gap (a real detector)
  burst,  ///< deliver them one after the other, late
  shift,  ///< move the whole schedule; no frame is lost, the rate is
};

/// What a recording does at its end.
enum class AtEnd { loop, stop };

/// A feature of a device by its own name, e.g. of GenICam's SFNC: {"ExposureTime", "250"}.
struct FeatureSetting {
  std::string name;
  std::string value;
};

/// What the user asks of a camera. Empty fields: the device's own value.
struct CameraSettings {
  std::optional<shm::Shape> shape{};
  std::optional<shm::PixelType> type{};
  std::optional<Rate> rate{};
  OnLate on_late = OnLate::skip;
  std::filesystem::path file{};            ///< replay only
  AtEnd at_end = AtEnd::loop;              ///< replay only
  std::string device{};                    ///< of several: serial number; usb only
  std::vector<FeatureSetting> features{};  ///< set in this order; usb only
  std::vector<RateStep> rate_steps{};      ///< of cameras paced by the host; others refuse them
};

/// What a camera says of itself, final once configured.
struct CameraDescription {
  std::string model;     ///< "stamped", "replay", "Alvium 1800 U-040m"
  std::string identity;  ///< serial number, or the file it plays
  FrameFormat format;
  Rate rate;
  /// Frames until it ends by itself; empty: never.
  std::optional<std::uint64_t> frames{};
  /// sha256 (hex) of the pixels of one pass of a recording, C order, little endian; else empty.
  std::string sha256{};
  /// Frames of one pass of a recording; 0 for a camera that repeats nothing.
  std::uint64_t pass = 0;
};

/// The outcome of waiting for a frame. None throws: none is exceptional at 2 kHz.
enum class WaitOutcome {
  frame,    ///< read_into may be called, once
  timeout,  ///< nothing until the deadline
  damaged,  ///< a frame came and is unusable; it has been dropped, its id is skipped
  lost,     ///< the device is gone; a driver that waits for its return says so once
  ended,    ///< a recording is over
};

/// Sums of a frame's bytes that programs can report.
enum class PixelSum {
  crc32c,  ///< Castagnoli (simulators/crc32c.hpp)
  crc32,   ///< of zlib, gzip and Ethernet: Python's zlib.crc32
};

/// Tells, at a reader and without the camera, whether pixels are those the camera delivered under
/// that frame id: what makes loss, tear, duplicate and reorder provable. Immutable, may be used
/// by several processes at once.
class ContentCheck {
 public:
  enum class Verdict {
    good,
    torn,         ///< pixels of more than one frame, or damaged
    wrong_frame,  ///< a whole frame, but not the one that `id` names
  };
  struct Finding {
    Verdict verdict;
    FrameId found{};  ///< the id the pixels themselves state (unproved if torn); 0 when unknown
  };

  virtual ~ContentCheck() = default;
  /// @param pixels one frame @param id what the stream's metadata says
  [[nodiscard]] virtual Finding check(std::span<const std::byte> pixels, FrameId id) const = 0;
  /// That sum of the pixels which the camera delivered under `id`, to compare with what a reader
  /// says that cannot hand over its pixels.
  /// @param due when that frame was due @returns empty when it cannot be known
  [[nodiscard]] virtual std::optional<std::uint32_t> sum(PixelSum kind, FrameId id,
                                                         MonotonicTime due) const {
    (void)kind, (void)id, (void)due;
    return std::nullopt;
  }
};

/// A camera, real or simulated: the one small interface between devices and the publisher.
///
///   made --configure--> configured --start--> running --stop--> configured
///
/// configure may be repeated while not running. In running: (next_due) wait, read_into, again.
/// Calls out of this order are the caller's mistake; Checked turns them into Error, so that
/// drivers need not. One thread at a time.
class Camera {
 public:
  virtual ~Camera() = default;

  /// @throws Error when the device cannot do what is asked, naming the setting
  virtual void configure(const CameraSettings& settings) = 0;
  /// Valid once configured.
  [[nodiscard]] virtual CameraDescription describe() const = 0;
  /// How a reader can prove that a frame is what this camera sent; nullptr when it cannot.
  [[nodiscard]] virtual std::shared_ptr<const ContentCheck> content_check() const {
    return nullptr;
  }

  /// Begin to acquire. Frame 1 of a paced camera is due at `first`; others start at once.
  virtual void start(MonotonicTime first) = 0;
  /// For a camera that is paced by the host's clock: when its next frame is due. It may use the
  /// time until then to prepare the frame. Empty: the device itself sets the pace, wait for it.
  [[nodiscard]] virtual std::optional<MonotonicTime> next_due() { return std::nullopt; }
  /// Wait for the next frame, at most until the deadline.
  virtual WaitOutcome wait(MonotonicTime deadline) = 0;
  /// Move the frame that wait() announced to where it is published. Takes one copy and no longer:
  /// during it the slot is lost to readers.
  /// @param slot exactly format.bytes() bytes
  /// @returns the device's frame number, counting from 1; gaps are frames the device lost
  virtual FrameId read_into(std::span<std::byte> slot) = 0;
  virtual void stop() = 0;
};

}  // namespace daohil::drivers
