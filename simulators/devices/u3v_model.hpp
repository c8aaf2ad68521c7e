#pragma once

#include <cstdint>
#include <string>

namespace daohil::simulators::devices {

/// What distinguishes one simulated USB3 Vision camera from another. The defaults are no real
/// product: a sensor for wavefront sensing with the transport figures of real cameras.
struct U3vModel {
  std::string vendor = "dao-hil";
  std::string model = "Twin-240";
  std::string family = "Twin";
  std::string version = "1.0";
  std::string serial = "TWIN0001";
  std::uint16_t vendor_id = 0x1209;  ///< pid.codes, for tests
  std::uint16_t product_id = 0x0001;

  std::uint32_t sensor_width = 640;
  std::uint32_t sensor_height = 480;
  std::uint32_t width = 240;  ///< at power on
  std::uint32_t height = 240;
  std::uint32_t width_step = 4;
  double frame_rate_hz = 1000;
  double highest_rate_hz = 5000;

  std::uint32_t alignment_log2 = 10;  ///< of payload transfers
  std::uint32_t max_command_bytes = 1024;
  std::uint32_t max_ack_bytes = 1024;
  std::uint32_t max_response_ms = 200;
  std::uint32_t response_us = 0;  ///< a slow device: how long every command takes
  std::uint64_t first_block_id = 0;
  std::uint32_t padding_x = 0;        ///< bytes behind each line
  std::uint32_t buffered_frames = 4;  ///< the camera's own memory; frames beyond it are lost

  /// Whether the device XML is kept zipped. The archive is the host's affair: the model only hands
  /// out `zipped_xml` when that is not empty.
  std::string zipped_xml;
  /// Instead of the XML that the model makes.
  std::string other_xml;

  /// What a device does with stream registers that do not fit each other.
  enum class Checks : std::uint8_t {
    lenient,  ///< takes them: real cameras do, and hosts rely on it
    strict,   ///< refuses to be enabled, as the standard says
  } checks = Checks::lenient;
};

}  // namespace daohil::simulators::devices
