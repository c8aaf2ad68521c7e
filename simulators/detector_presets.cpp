#include "simulators/detector.hpp"

namespace daohil::simulators {
namespace {

DetectorSettings square(std::size_t side) {
  DetectorSettings s;
  s.rows = s.columns = side;
  return s;
}

}  // namespace

// First Light C-BLUE One 0.5MP (Sony IMX426) at 24 dB, as its maker's model has it.
DetectorSettings cmos_detector() {
  DetectorSettings s = square(240);
  s.exposure = std::chrono::microseconds(1000);
  s.quantum_efficiency = 0.74;
  s.response_nonuniformity = 0.01;  // typical of CMOS, not of this camera
  s.dark_current = 1.39;            // at 10 C
  s.full_well = 94000;
  s.read_noise = 2.35;
  s.electrons_per_adu = 1.0;
  s.bias = 240;  // black level of 12-bit modes
  s.bits = 12;
  return s;
}

// First Light OCAM2K (e2v CCD220) at gain 600 and 2067 frames/s.
DetectorSettings emccd_detector() {
  DetectorSettings s = square(240);
  s.exposure = std::chrono::nanoseconds(483'793);
  s.frame_transfer = FrameTransfer::halves;
  s.row_transfer = std::chrono::nanoseconds(0);  // not published
  s.quantum_efficiency = 0.955;
  s.dark_current = 1.58;            // at -45 C
  s.clock_induced_charge = 0.0049;  // 0.00568 e-/frame with dark current, less that of 0.484 ms
  s.full_well = 270000;
  s.gain = AvalancheGain::emccd(600, 604);  // stages: those of Robbins & Hadwen, not published here
  s.output_full_well = 280000;
  s.read_noise = 0.36 * 600;
  s.electrons_per_adu = 28;
  s.bias = 408;  // its outputs have 404 to 413
  s.bits = 14;
  return s;
}

// First Light C-RED One (Leonardo SAPHIRA) at gain setting 50, correlated double sampling.
DetectorSettings eapd_detector() {
  DetectorSettings s;
  s.rows = 256;
  s.columns = 320;
  s.exposure = std::chrono::nanoseconds(581'395);
  s.quantum_efficiency = 0.8;
  s.dark_current = 2.65;
  s.full_well = 60000;
  s.gain = AvalancheGain(21.7, 1.25);  // measured on one unit at setting 50; F2 "<= 1.25"
  s.output_full_well = 60000;
  s.read_noise = 0.87 * 21.7;
  s.electrons_per_adu = 1.87;
  s.bias = 1000;  // assumed
  s.bits = 16;
  return s;
}

// First Light C-RED 2, high gain, 600 frames/s.
DetectorSettings ingaas_detector() {
  DetectorSettings s;
  s.rows = 512;
  s.columns = 640;
  s.exposure = std::chrono::microseconds(1667);
  s.quantum_efficiency = 0.7;       // assumed
  s.response_nonuniformity = 0.02;  // assumed
  s.dark_current = 493;             // with background, at -40 C
  s.full_well = 33000;              // assumed
  s.read_noise = 21.2;
  s.electrons_per_adu = 2.1;  // assumed: the well in 14 bits
  s.bias = 500;               // assumed
  s.bits = 14;
  return s;
}

}  // namespace daohil::simulators
