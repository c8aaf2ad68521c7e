#pragma once

#include <cstdint>

/// Where the simulated camera keeps its registers. Only those of ABRM are where the standard says;
/// a host must find the rest by following addresses and the device XML.
namespace daohil::simulators::devices::u3v {

inline constexpr std::uint64_t kAbrm = 0;
inline constexpr std::uint64_t kManifest = 0x10000;
inline constexpr std::uint64_t kSbrm = 0x20000;
inline constexpr std::uint64_t kSirm = 0x21000;
inline constexpr std::uint64_t kXml = 0x100000;

inline constexpr std::uint64_t kWidth = 0x30000;
inline constexpr std::uint64_t kHeight = 0x30004;
inline constexpr std::uint64_t kOffsetX = 0x30008;
inline constexpr std::uint64_t kOffsetY = 0x3000C;
inline constexpr std::uint64_t kPixelFormat = 0x30010;
inline constexpr std::uint64_t kSensorWidth = 0x30014;
inline constexpr std::uint64_t kSensorHeight = 0x30018;
inline constexpr std::uint64_t kPayloadSize = 0x3001C;
inline constexpr std::uint64_t kAcquisitionStart = 0x30020;
inline constexpr std::uint64_t kAcquisitionStop = 0x30024;
inline constexpr std::uint64_t kAcquisitionMode = 0x30028;
inline constexpr std::uint64_t kTriggerMode = 0x3002C;
inline constexpr std::uint64_t kTriggerSource = 0x30030;
inline constexpr std::uint64_t kTriggerSoftware = 0x30034;
inline constexpr std::uint64_t kLocked = 0x30038;
inline constexpr std::uint64_t kExposure = 0x3003C;   ///< in 0.1 us
inline constexpr std::uint64_t kFrameRate = 0x30040;  ///< Hz, double
inline constexpr std::uint64_t kGain = 0x30048;       ///< dB, double
inline constexpr std::uint64_t kFlags = 0x30050;      ///< bit 4: AcquisitionFrameRateEnable

}  // namespace daohil::simulators::devices::u3v
