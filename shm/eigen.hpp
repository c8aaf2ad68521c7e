#pragma once

#include <Eigen/Core>

#include "shm/views.hpp"

/// Frames as Eigen matrices. The only header of shm that needs Eigen; nothing else includes it.
namespace daohil::shm {

template <typename T>
using FrameMatrix =
    Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Pixels of one frame as a matrix, rows x columns in the memory's order; nothing is copied. One
/// axis is a single row; of three axes the first two are the rows, plane after plane.
/// In place, ask Reader::intact() after use.
/// @throws Error as numbers(), or when the bytes are not exactly one frame
template <typename T, typename Byte>
[[nodiscard]] auto matrix(std::span<Byte> pixels, const FrameFormat& format) {
  const std::span<T> elements = numbers<T>(pixels, format);
  if (elements.size() != format.elements())
    throw Error(Errc::invalid_argument, "view of " + std::to_string(pixels.size()) +
                                            " bytes: a frame of " + format.str() + " has " +
                                            std::to_string(format.bytes()));
  const auto columns = static_cast<Eigen::Index>(format.shape()[format.shape().axes() - 1]);
  const auto rows = static_cast<Eigen::Index>(elements.size()) / columns;
  using Matrix = std::conditional_t<std::is_const_v<T>, const FrameMatrix<T>, FrameMatrix<T>>;
  return Eigen::Map<Matrix>(elements.data(), rows, columns);
}

}  // namespace daohil::shm
