#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "simulators/devices/register_map.hpp"
#include "simulators/devices/u3v_descriptors.hpp"
#include "simulators/devices/u3v_model.hpp"
#include "simulators/devices/u3v_pixels.hpp"
#include "simulators/devices/usb_device.hpp"

namespace daohil::simulators::devices {

/// The device's own time.
using DeviceTime = std::chrono::nanoseconds;

/// One exposure, for whoever makes the image.
struct Exposure {
  std::uint64_t number = 1;  ///< since the last start of the acquisition
  std::uint64_t block_id = 0;
  DeviceTime at{0};
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  unsigned bits = 16;  ///< values beyond are cut off
};
/// @param pixels width * height of the exposure, lines from top to bottom
using FrameSource = std::function<void(const Exposure&, std::span<std::uint16_t> pixels)>;

/// What the camera does wrong.
struct U3vFault {
  enum class Kind : std::uint8_t {
    // of the first exposure from number `at` on, counted from power on, that is sent
    stream_stall,   ///< the endpoint halts in the middle of the payload
    short_payload,  ///< `amount` bytes of the payload are missing; the trailer says so not
    long_payload,   ///< the payload goes on for `amount` bytes
    silence,        ///< after half of the payload nothing comes until the stream is disabled
    bad_leader,     ///< its magic number is wrong
    bad_trailer,
    wrong_block,  ///< the trailer names another block
    wrong_size,   ///< the trailer claims `amount` bytes less than were sent
    skip_blocks,  ///< the number goes up by `amount` more: frames the sensor lost
    discarded,    ///< the trailer says that data were discarded
    // of command number `at`, counted from the injection, the next one being 1
    control_stall,  ///< the acknowledge endpoint halts
    no_ack,
    wrong_ack_id,
    stale_ack,  ///< the last acknowledge comes once more, before the right one
    bad_ack,    ///< the magic number is wrong
    pending,    ///< asks for more time, and takes `amount` ms
    busy,       ///< refuses as busy
    error,      ///< refuses with status `amount`
  } kind = Kind::stream_stall;
  std::uint64_t at = 1;
  std::uint64_t amount = 1;
};

/// A USB3 Vision camera, byte for byte: descriptors, control requests, GenCP on two bulk endpoints,
/// registers, GenICam description, and a stream of leader, payload and trailer by the transfer
/// sizes that the host has set. Pure state machine; time comes from advance() alone. One thread.
///
/// Written from the published facts of the standard and, on purpose, with no code of the driver.
/// Left out: events, chunk data, several streams, firmware files.
class U3vCamera final : public UsbDevice {
 public:
  U3vCamera(U3vModel model, FrameSource source);
  U3vCamera(const U3vCamera&) = delete;
  U3vCamera& operator=(const U3vCamera&) = delete;

  [[nodiscard]] const U3vModel& model() const { return model_; }
  [[nodiscard]] const Descriptors& descriptors() const override { return descriptors_; }
  [[nodiscard]] std::size_t max_packet(std::uint8_t endpoint) const override;
  Answer control(const Setup& setup, std::span<std::byte> data) override;
  Handshake out(std::uint8_t endpoint, std::span<const std::byte> packet) override;
  Answer in(std::uint8_t endpoint, std::span<std::byte> into) override;
  void power_cycle() override;

  /// Time goes on to `now`: exposures that fall due take place, delayed answers become ready.
  void advance(DeviceTime now);
  /// When something will happen by itself; empty: nothing.
  [[nodiscard]] std::optional<DeviceTime> next_event() const;

  void inject(const U3vFault& fault);

  struct Counts {
    std::uint64_t exposed = 0;  ///< since it was made
    std::uint64_t sent = 0;     ///< trailers that left completely
    std::uint64_t lost = 0;     ///< the camera's memory was full
    std::uint64_t commands = 0;
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// What a host has set.
  [[nodiscard]] const RegisterMap& registers() const { return registers_; }
  [[nodiscard]] bool is_acquiring() const { return acquiring_; }
  [[nodiscard]] bool is_streaming_enabled() const { return enabled_; }

 private:
  using Kind = U3vFault::Kind;

  // One transfer of the stream: part of the block's bytes, ended by a short packet unless full.
  struct Piece {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool ends_short = false;
  };
  struct Block {
    std::vector<std::byte> bytes;  // leader, payload, trailer
    std::vector<Piece> pieces;
    std::size_t piece = 0;
    std::size_t sent = 0;                    // of the piece
    std::optional<std::size_t> stall_after;  // bytes of the whole block
    std::optional<std::size_t> silent_after;
  };
  struct Ack {
    DeviceTime ready{0};
    std::vector<std::byte> bytes;
    std::size_t sent = 0;
  };

  void make_registers();
  void make_bootstrap_registers();
  void make_camera_registers();
  void reset_values();
  void update_payload();

  Answer standard_request(const Setup& setup, std::span<std::byte> data);
  Answer descriptor(std::uint16_t which, std::span<std::byte> data) const;

  void take_command();
  std::uint16_t execute(std::uint16_t command, std::span<const std::byte> data,
                        std::vector<std::byte>& answer);
  std::uint16_t write_register(std::uint64_t address, std::span<const std::byte> data);
  [[nodiscard]] std::uint16_t refusal_of(std::uint64_t address,
                                         std::span<const std::byte> data) const;
  std::optional<U3vFault> strikes_command();
  std::optional<U3vFault> strikes_exposure();
  void acknowledge(std::uint16_t status, std::uint16_t command, std::uint16_t id,
                   std::span<const std::byte> data, DeviceTime ready);
  Answer send_ack(std::span<std::byte> into);

  std::uint16_t stream_control(bool enable);
  void start();
  void stop();
  void expose(DeviceTime at);
  void render(Block& block, const Exposure& exposure);
  void cut_into_pieces(Block& block, std::size_t leader, std::size_t payload, std::size_t trailer);
  void spoil(Block& block, const U3vFault& fault, std::size_t leader, std::size_t payload);
  Answer send_stream(std::span<std::byte> into);
  [[nodiscard]] DeviceTime period() const;

  U3vModel model_;
  FrameSource source_;
  Descriptors descriptors_;
  RegisterMap registers_;
  std::vector<std::uint16_t> pixels_;

  DeviceTime now_{0};
  bool configured_ = false;
  std::array<bool, 256> halted_{};
  std::vector<std::byte> command_;
  std::deque<Ack> acks_;
  std::vector<std::byte> last_ack_;

  bool enabled_ = false;
  bool acquiring_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t block_id_ = 0;
  std::optional<DeviceTime> next_exposure_;
  std::deque<Block> blocks_;
  std::vector<Block> spare_;

  std::vector<U3vFault> faults_;
  std::uint64_t exposures_since_power_ = 0;
  Counts counts_;
};

}  // namespace daohil::simulators::devices
