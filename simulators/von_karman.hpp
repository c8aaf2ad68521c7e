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

/// Variance of one Zernike coefficient of radial order n (Noll's normalisation) over a round pupil:
/// the integral of W(f) (n + 1) [2 J_n+1(pi f D) / (pi f D)]^2 over the plane [rad^2] (Noll 1976,
/// eq. 25; with outer scale: Winker 1991, JOSA A 8, 1568). For Kolmogorov n = 0 is infinite.
/// @param order n, >= 0 @param diameter D [m]
[[nodiscard]] double zernike_variance(int order, double diameter, double r0, double outer_scale);

/// Phase variance over a round pupil that is left when Zernike modes 1 .. `removed` are taken away:
/// Noll's residuals Delta_J, 1.0324 (D/r0)^(5/3) for J = 1 and Kolmogorov [rad^2].
/// @param removed J, >= 1
[[nodiscard]] double residual_variance(int removed, double diameter, double r0, double outer_scale);

/// Variance of the phase of one place after a time, or of a correction that comes that much too
/// late over a large pupil: D(V tau); without outer scale (tau / tau0)^(5/3), tau0 = 0.314 r0 / V
/// (Fried 1990, JOSA A 7, 1224) [rad^2]. @param wind V [m/s] @param delay tau [s]
[[nodiscard]] inline double delay_variance(double wind, double delay, double r0,
                                           double outer_scale) {
  return structure_function(wind * delay, r0, outer_scale);
}

}  // namespace von_karman
}  // namespace daohil::simulators
