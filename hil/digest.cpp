#include "hil/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace daohil::hil {

struct Digest::State {
  using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
  Context context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

namespace {

void require(int ok) {
  if (ok != 1) throw std::runtime_error("OpenSSL: SHA-256 failed");
}

}  // namespace

Digest::Digest() : state_(std::make_unique<State>()) {
  require(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr));
}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::add(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

std::string Digest::hex() const {
  const State::Context copy{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  require(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned int length = 0;
  require(EVP_DigestFinal_ex(copy.get(), sum.data(), &length));
  return fmt::format("{:02x}", fmt::join(sum.begin(), sum.begin() + length, ""));
}

}  // namespace daohil::hil
