#pragma once

#include <fftw3.h>

#include <complex>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>

namespace daohil::simulators::detail {

/// FFTW's planner is not safe from several threads, executing plans is.
inline std::mutex& planner_mutex() {
  static std::mutex mutex;
  return mutex;
}

struct DestroyPlan {
  void operator()(fftwf_plan plan) const {
    const std::lock_guard lock(planner_mutex());
    fftwf_destroy_plan(plan);
  }
};
using Plan = std::unique_ptr<std::remove_pointer_t<fftwf_plan>, DestroyPlan>;

/// Plans that give the same bits on every processor of an architecture: chosen by FFTW's estimate
/// and never by a measurement, and without FFTW's own dispatch to wider vectors (FFTW_NO_SIMD, a
/// flag of fftw3.h), whose sums are in another order. For set-up, where speed matters less.
inline constexpr unsigned kReproducible = FFTW_ESTIMATE | (1U << 17U);

struct FreeAligned {
  void operator()(void* memory) const { fftwf_free(memory); }
};

/// Complex numbers aligned as FFTW wants them; not initialised.
class ComplexArray {
 public:
  explicit ComplexArray(std::size_t size)
      : size_(size),
        data_(static_cast<std::complex<float>*>(fftwf_malloc(size * sizeof(std::complex<float>)))) {
    if (!data_) throw std::bad_alloc();
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::complex<float>* data() { return data_.get(); }
  [[nodiscard]] const std::complex<float>* data() const { return data_.get(); }
  [[nodiscard]] std::complex<float>& operator[](std::size_t i) { return data_.get()[i]; }
  [[nodiscard]] const std::complex<float>& operator[](std::size_t i) const {
    return data_.get()[i];
  }

 private:
  std::size_t size_;
  std::unique_ptr<std::complex<float>, FreeAligned> data_;
};

/// sum over m of data[n][m] exp(2 pi i m x / side) for every row n, and the same along columns; not
/// scaled; in place; plans of kReproducible. @param data side * side
void transform_rows(std::complex<float>* data, std::size_t side);
void transform_columns(std::complex<float>* data, std::size_t side);

}  // namespace daohil::simulators::detail
