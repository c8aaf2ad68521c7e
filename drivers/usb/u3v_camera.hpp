#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "drivers/camera.hpp"
#include "drivers/usb/signal.hpp"
#include "drivers/usb/u3v_device.hpp"
#include "drivers/usb/u3v_stream.hpp"

namespace daohil::drivers::usb {

/// Any USB3 Vision camera. It sets its own pace; frames wait in the transfers' memory and are
/// copied once, into the slot, packed pixels unpacked on the way.
///
/// Frame ids are the camera's block ids counted from 1: a gap is frames that the camera lost. When
/// the stream had to be begun anew (transfers failed, host and camera out of step, the camera
/// unplugged and back), exactly one id is left out, for nobody knows how many frames it were.
/// A camera that goes is waited for and, by its serial number, taken again with the same settings:
/// wait() says `lost` once, then `timeout` until it is back.
///
/// A thread of its own does what blocks: recovery and reconnection.
class U3vCamera final : public Camera {
 public:
  /// @param clock deadlines of wait() are by it; only the system clock will do
  explicit U3vCamera(const shm::Clock& clock);
  /// Stops.
  ~U3vCamera() override;
  U3vCamera(const U3vCamera&) = delete;
  U3vCamera& operator=(const U3vCamera&) = delete;

  /// Opens settings.device and sets, in this order: PixelFormat, Width and Height, the features of
  /// the settings in their order, AcquisitionFrameRate. What is not asked stays as the camera has
  /// it. @throws Error when there is no such camera, or it does not take a setting
  void configure(const CameraSettings& settings) override;
  [[nodiscard]] CameraDescription describe() const override;

  /// @param first of no meaning to a camera with a clock of its own
  void start(MonotonicTime first) override;
  WaitOutcome wait(MonotonicTime deadline) override;
  FrameId read_into(std::span<std::byte> slot) override;
  void stop() override;

  /// What became of the frames since start(). Any thread.
  struct Counts {
    std::uint64_t frames = 0;
    std::uint64_t damaged = 0;         ///< came, and could not be used
    std::uint64_t lost_by_camera = 0;  ///< gaps in block ids
    std::uint64_t recoveries = 0;      ///< the stream was begun anew
    std::uint64_t unplugged = 0;
  };
  [[nodiscard]] Counts counts() const;

  /// The camera's own description of its features (GenICam XML). Once configured.
  [[nodiscard]] const std::string& xml() const { return xml_; }

 private:
  struct Numbering {
    std::uint64_t last = 0;
    std::uint64_t base_id = 0;
    std::uint64_t base_block = 0;
    std::uint64_t session = 0;
  };

  // What the camera was found to deliver, once its settings were made.
  struct Configuration {
    CameraDescription description;
    ImageLayout image;
    TransferPlan plan;
    std::size_t blocks = 0;  // queued ahead
  };

  void open(std::string_view wanted);
  Configuration apply(const CameraSettings& settings);
  void choose_pixel_format(const CameraSettings& settings);
  void set_shape(const shm::Shape& shape);
  void set_rate(Rate rate);
  [[nodiscard]] ImageLayout read_image(const CameraSettings& settings);
  [[nodiscard]] Rate read_rate(const CameraSettings& settings);
  [[nodiscard]] CameraDescription read_description(const ImageLayout& image, Rate rate);
  void plan(Configuration& into);
  void reopen();

  void start_again();
  void start_stream();
  void stop_stream();
  void retire();
  void supervise();
  void recover();
  void reconnect();
  [[nodiscard]] bool is_silent() const;

  U3vStream* enter();
  void leave();
  void number(const ReceivedBlock& block);

  const shm::Clock* clock_;
  CameraSettings settings_;
  std::optional<Configuration> configuration_;
  std::string xml_;
  std::string identity_;

  std::shared_ptr<Context> context_;
  std::unique_ptr<U3vDevice> device_;
  std::unique_ptr<U3vStream> owned_stream_;

  // Between the supervising thread and the one that calls wait and read_into.
  std::atomic<U3vStream*> stream_{nullptr};
  std::uint64_t session_ = 0;  // counts streams; changes while stream_ is null
  std::atomic<bool> using_stream_{false};
  Signal left_;
  Signal arrived_;
  Signal attention_;
  std::atomic<bool> lost_{false};
  std::atomic<bool> stopping_{false};
  bool running_ = false;
  std::thread supervisor_;

  std::optional<U3vStream::Arrival> held_;
  U3vStream* held_stream_ = nullptr;
  Numbering numbering_;
  std::atomic<std::uint64_t> frames_{0};
  std::atomic<std::uint64_t> damaged_{0};
  std::atomic<std::uint64_t> lost_by_camera_{0};
  std::atomic<std::uint64_t> recoveries_{0};
  std::atomic<std::uint64_t> unplugged_{0};
};

}  // namespace daohil::drivers::usb
