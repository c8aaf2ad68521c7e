#pragma once

#include <cstddef>
#include <cstdint>

#include "simulators/detail/row_draws.hpp"
#include "simulators/photon_noise.hpp"

namespace daohil::simulators::detail {

/// Charge becomes pixels (see ReadOut). n is a multiple of 16 up to kStretch.
template <class Value>
struct Read {
  template <std::size_t lanes>
  struct Kernel {
    using Floats = typename Lanes<lanes>::Floats;
    using Words = typename Lanes<lanes>::Words;
    typedef Value Values __attribute__((vector_size(lanes * sizeof(Value))));

    DAO_HIL_INLINE static void run(RowState* state, ReadOut how, const float* charge, Value* values,
                                   std::size_t n) {
      alignas(64) float normals[kStretch];
      if (how.noise > 0.0F)
        draw_normals<Words>(*state, normals, n);
      else
        std::memset(normals, 0, n * sizeof(float));
      const auto per_electron = all<Floats>(1.0F / how.electrons_per_adu);
      const auto noise = all<Floats>(how.noise);
      const auto bias = all<Floats>(how.bias);
      const auto full_well = all<Floats>(how.full_well);
      const auto maximum = all<Floats>(how.maximum);
      for (std::size_t i = 0; i < n; i += lanes) {
        const Floats electrons = min(load<Floats>(charge + i), full_well);
        const Floats adu = electrons * per_electron + bias + load<Floats>(normals + i) * noise;
        const Floats clipped = min(max(adu, Floats{}), maximum);
        const auto value = __builtin_convertvector(to_ints(clipped + 0.5F), Values);
        std::memcpy(values + i, &value, sizeof value);
      }
    }
  };
};

}  // namespace daohil::simulators::detail
