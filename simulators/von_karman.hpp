#pragma once

namespace daohil::simulators {

/// Theory of a turbulent phase with Fried parameter `r0` and outer scale `outer_scale`, both in
/// metres and > 0, phase in radians at the wavelength that r0 is given for. With
/// outer_scale = infinity the results are Kolmogorov's. Pure; nothing is checked: these are
/// formulas, for simulations and for what judges them.
///
/// Sources: Noll 1976 (JOSA 66, 207) for the constant; Conan 2000 (thesis, Nice) and Assemat,
/// Wilson and Gendron 2006 (Opt. Express 14, 988) for the structure function.
namespace von_karman {

/// W(f) = 0.022896 r0^(-5/3) (f^2 + L0^-2)^(-11/6) rad^2 m^2, two-sided, with the coefficient
/// Gamma(11/6)^2 / (2 pi^(11/3)) (24/5 Gamma(6/5))^(5/6).
/// @param frequency [1/m]; W(0) is infinite for Kolmogorov
[[nodiscard]] double spectrum(double frequency, double r0, double outer_scale);

/// Phase variance, 0.08631 (L0/r0)^(5/3) rad^2; infinite for Kolmogorov.
[[nodiscard]] double variance(double r0, double outer_scale);

/// D(r) = <[phase(x + r) - phase(x)]^2> = 0.17166 (L0/r0)^(5/3) [Gamma(5/6) / 2^(1/6) -
/// (2 pi r / L0)^(5/6) K_5/6(2 pi r / L0)] rad^2; Kolmogorov: 6.8839 (r/r0)^(5/3).
/// @param distance r [m], >= 0
[[nodiscard]] double structure_function(double distance, double r0, double outer_scale);

}  // namespace von_karman
}  // namespace daohil::simulators
