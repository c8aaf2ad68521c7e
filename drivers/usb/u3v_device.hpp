#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/genicam/node_map.hpp"
#include "drivers/usb/transport.hpp"
#include "drivers/usb/u3v_block.hpp"
#include "drivers/usb/u3v_control.hpp"
#include "drivers/usb/u3v_protocol.hpp"

namespace daohil::drivers::usb {

/// Which of the attached cameras: its serial number, GUID, place ("2-1.4") or "VID:PID" in hex;
/// empty: the only one. @throws Error that lists what is attached
[[nodiscard]] AttachedCamera choose(const std::vector<AttachedCamera>& attached,
                                    std::string_view wanted);

/// A USB3 Vision camera, opened: its registers read, its description fetched and understood.
/// For one thread at a time.
class U3vDevice {
 public:
  /// @throws Error, DeviceGone
  U3vDevice(std::shared_ptr<Context> context, const AttachedCamera& camera);
  U3vDevice(const U3vDevice&) = delete;
  U3vDevice& operator=(const U3vDevice&) = delete;

  /// "camera usb 'SN1'", for messages.
  [[nodiscard]] const std::string& owner() const { return owner_; }
  [[nodiscard]] const AttachedCamera& attached() const { return attached_; }
  [[nodiscard]] const DeviceRegisters& registers() const { return registers_; }
  /// Serial number, of its registers or its USB descriptors.
  [[nodiscard]] const std::string& serial() const { return serial_; }
  /// The description as the device has it, unzipped.
  [[nodiscard]] const std::string& xml() const { return xml_; }
  [[nodiscard]] genicam::NodeMap& features() { return *features_; }
  [[nodiscard]] OpenDevice& usb() { return *usb_; }

  /// What the stream needs at the present settings.
  [[nodiscard]] StreamRequirements stream_requirements();
  /// Set the sizes of transfers and enable the stream interface, its endpoint cleared.
  void enable_stream(const TransferPlan& plan);
  void disable_stream();

 private:
  void read_registers();
  void fetch_description();
  [[nodiscard]] ManifestEntry find_description();

  std::string owner_;
  AttachedCamera attached_;
  std::shared_ptr<Context> context_;
  std::unique_ptr<OpenDevice> usb_;
  U3vControl control_;
  DeviceRegisters registers_;
  std::string serial_;
  Address sirm_;
  std::string xml_;
  std::unique_ptr<genicam::NodeMap> features_;
};

}  // namespace daohil::drivers::usb
