#include "simulators/devices/u3v_xml.hpp"

#include <cstdint>
#include <sstream>

#include "simulators/devices/u3v_pixels.hpp"
#include "simulators/devices/u3v_registers.hpp"

namespace daohil::simulators::devices {
namespace {

using namespace u3v;

std::string hex(std::uint64_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

class Xml {
 public:
  Xml& open(const std::string& kind, const std::string& name) {
    kind_ = kind;
    text_ << "<" << kind << " Name=\"" << name << "\">";
    return *this;
  }
  Xml& with(const std::string& tag, const std::string& value) {
    text_ << "<" << tag << ">" << value << "</" << tag << ">";
    return *this;
  }
  Xml& raw(const std::string& text) {
    text_ << text;
    return *this;
  }
  Xml& close() {
    text_ << "</" << kind_ << ">\n";
    return *this;
  }
  Xml& reg(const std::string& kind, const std::string& name, std::uint64_t address, unsigned length,
           const std::string& access) {
    return open(kind, name)
        .with("Address", hex(address))
        .with("Length", std::to_string(length))
        .with("AccessMode", access)
        .with("pPort", "Device");
  }
  Xml& int_reg(const std::string& name, std::uint64_t address, const std::string& access) {
    return reg("IntReg", name, address, 4, access)
        .with("Sign", "Unsigned")
        .with("Endianess", "LittleEndian")
        .close();
  }
  Xml& text_reg(const std::string& name, std::uint64_t address) {
    return reg("StringReg", name, address, 64, "RO").close();
  }
  [[nodiscard]] std::string str() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::string kind_;
};

void add_identity(Xml& xml) {
  xml.text_reg("DeviceVendorName", kAbrm + 0x004)
      .text_reg("DeviceModelName", kAbrm + 0x044)
      .text_reg("DeviceVersion", kAbrm + 0x0C4)
      .text_reg("DeviceSerialNumber", kAbrm + 0x144);
}

void add_geometry(Xml& xml, const U3vModel& model) {
  xml.int_reg("WidthReg", kWidth, "RW")
      .int_reg("HeightReg", kHeight, "RW")
      .int_reg("OffsetXReg", kOffsetX, "RW")
      .int_reg("OffsetYReg", kOffsetY, "RW")
      .int_reg("SensorWidthReg", kSensorWidth, "RO")
      .int_reg("SensorHeightReg", kSensorHeight, "RO")
      .int_reg("PayloadSizeReg", kPayloadSize, "RO")
      .int_reg("LockReg", kLocked, "RW");
  xml.open("Integer", "SensorWidth").with("pValue", "SensorWidthReg").close();
  xml.open("Integer", "SensorHeight").with("pValue", "SensorHeightReg").close();
  xml.open("Integer", "PayloadSize").with("pValue", "PayloadSizeReg").close();
  xml.open("Integer", "TLParamsLocked")
      .with("Visibility", "Invisible")
      .with("pValue", "LockReg")
      .with("Min", "0")
      .with("Max", "1")
      .close();
  // What is left beside the offset, as in real cameras: the largest width depends on a register.
  for (const bool x : {true, false}) {
    const std::string size = x ? "Width" : "Height";
    const std::string offset = x ? "OffsetX" : "OffsetY";
    xml.open("IntSwissKnife", size + "Max")
        .raw("<pVariable Name=\"SENSOR\">Sensor" + size + "Reg</pVariable>")
        .raw("<pVariable Name=\"OFFSET\">" + offset + "Reg</pVariable>")
        .with("Formula", "(SENSOR &gt; OFFSET) ? SENSOR - OFFSET : 0")
        .close();
    xml.open("IntSwissKnife", offset + "MaxKnife")
        .raw("<pVariable Name=\"SENSOR\">Sensor" + size + "Reg</pVariable>")
        .raw("<pVariable Name=\"SIZE\">" + size + "Reg</pVariable>")
        .with("Formula", "SENSOR - SIZE")
        .close();
    const std::string step = std::to_string(x ? model.width_step : 1U);
    xml.open("Integer", size)
        .with("pIsLocked", "TLParamsLocked")
        .with("pValue", size + "Reg")
        .with("Min", step)
        .with("pMax", size + "Max")
        .with("Inc", step)
        .close();
    xml.open("Integer", offset)
        .with("pIsLocked", "TLParamsLocked")
        .with("pValue", offset + "Reg")
        .with("Min", "0")
        .with("pMax", offset + "MaxKnife")
        .with("Inc", step)
        .close();
  }
}

void add_pixel_format(Xml& xml) {
  xml.int_reg("PixelFormatReg", kPixelFormat, "RW");
  xml.open("Enumeration", "PixelFormat").with("pIsLocked", "TLParamsLocked");
  for (const WirePixels& format : wire_pixels())
    xml.raw("<EnumEntry Name=\"" + std::string(format.name) + "\"><Value>" + hex(format.code) +
            "</Value></EnumEntry>");
  xml.with("pValue", "PixelFormatReg").close();
}

void add_exposure(Xml& xml, const U3vModel& model) {
  std::ostringstream highest;
  highest << model.highest_rate_hz;
  xml.int_reg("ExposureReg", kExposure, "RW");
  xml.open("Converter", "ExposureTime")
      .with("FormulaTo", "FROM * 10")
      .with("FormulaFrom", "TO / 10.0")
      .with("pValue", "ExposureReg")
      .with("Unit", "us")
      .with("Slope", "Increasing")
      .close();
  xml.reg("FloatReg", "FrameRateReg", kFrameRate, 8, "RW")
      .with("Endianess", "LittleEndian")
      .close();
  xml.open("Float", "AcquisitionFrameRate")
      .with("pValue", "FrameRateReg")
      .with("Min", "0.1")
      .with("Max", highest.str())
      .with("Unit", "Hz")
      .close();
  xml.reg("MaskedIntReg", "FrameRateEnableReg", kFlags, 4, "RW")
      .with("Bit", "4")
      .with("Sign", "Unsigned")
      .with("Endianess", "LittleEndian")
      .close();
  xml.open("Boolean", "AcquisitionFrameRateEnable").with("pValue", "FrameRateEnableReg").close();
  xml.reg("FloatReg", "GainReg", kGain, 8, "RW").with("Endianess", "LittleEndian").close();
  xml.open("Float", "Gain")
      .with("pValue", "GainReg")
      .with("Min", "0")
      .with("Max", "48")
      .with("Unit", "dB")
      .close();
}

void add_command(Xml& xml, const std::string& name, std::uint64_t address) {
  xml.int_reg(name + "Reg", address, "RW");
  xml.open("Command", name).with("pValue", name + "Reg").with("CommandValue", "1").close();
}

void add_acquisition(Xml& xml) {
  add_command(xml, "AcquisitionStart", kAcquisitionStart);
  add_command(xml, "AcquisitionStop", kAcquisitionStop);
  add_command(xml, "TriggerSoftware", kTriggerSoftware);
  xml.int_reg("AcquisitionModeReg", kAcquisitionMode, "RW")
      .int_reg("TriggerModeReg", kTriggerMode, "RW")
      .int_reg("TriggerSourceReg", kTriggerSource, "RW");
  const auto entry = [](const std::string& name, int value) {
    return "<EnumEntry Name=\"" + name + "\"><Value>" + std::to_string(value) +
           "</Value></EnumEntry>";
  };
  xml.open("Enumeration", "AcquisitionMode")
      .raw(entry("Continuous", 0) + entry("SingleFrame", 1))
      .with("pValue", "AcquisitionModeReg")
      .close();
  xml.open("Enumeration", "TriggerMode")
      .raw(entry("Off", 0) + entry("On", 1))
      .with("pValue", "TriggerModeReg")
      .close();
  xml.open("Enumeration", "TriggerSource")
      .raw(entry("Software", 0))
      .with("pValue", "TriggerSourceReg")
      .close();
}

}  // namespace

std::string u3v_xml(const U3vModel& model) {
  Xml xml;
  xml.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
  xml.raw("<RegisterDescription ModelName=\"" + model.model + "\" VendorName=\"" + model.vendor +
          "\" StandardNameSpace=\"None\" SchemaMajorVersion=\"1\" SchemaMinorVersion=\"1\""
          " SchemaSubMinorVersion=\"0\" MajorVersion=\"1\" MinorVersion=\"0\""
          " SubMinorVersion=\"0\" ProductGuid=\"e0cf0f0a-2f6f-4c2e-9d5c-3f0f6a3f2b10\""
          " VersionGuid=\"5a6a3b54-05f2-4c65-8a5e-6d0d7d1a3c21\""
          " xmlns=\"http://www.genicam.org/GenApi/Version_1_1\">\n");
  xml.raw("<Category Name=\"Root\">");
  for (const char* feature : {"DeviceVendorName",
                              "DeviceModelName",
                              "DeviceVersion",
                              "DeviceSerialNumber",
                              "SensorWidth",
                              "SensorHeight",
                              "WidthMax",
                              "HeightMax",
                              "Width",
                              "Height",
                              "OffsetX",
                              "OffsetY",
                              "PixelFormat",
                              "PayloadSize",
                              "AcquisitionMode",
                              "AcquisitionStart",
                              "AcquisitionStop",
                              "AcquisitionFrameRate",
                              "AcquisitionFrameRateEnable",
                              "ExposureTime",
                              "Gain",
                              "TriggerMode",
                              "TriggerSource",
                              "TriggerSoftware",
                              "TLParamsLocked"})
    xml.with("pFeature", feature);
  xml.raw("</Category>\n");
  add_identity(xml);
  add_geometry(xml, model);
  add_pixel_format(xml);
  add_exposure(xml, model);
  add_acquisition(xml);
  xml.raw("<Port Name=\"Device\"/>\n</RegisterDescription>\n");
  return xml.str();
}

}  // namespace daohil::simulators::devices
