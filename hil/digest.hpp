#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace daohil::hil {

/// SHA-256, fed piece by piece.
class Digest {
 public:
  Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();

  void add(std::span<const std::byte> bytes);
  /// The sum so far as 64 hexadecimal digits; may be called again after more bytes.
  [[nodiscard]] std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace daohil::hil
