#include "drivers/replay/cube.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

#include "drivers/error.hpp"
#include "drivers/replay/fits.hpp"
#include "drivers/replay/npy.hpp"

namespace daohil::drivers {
namespace {

static_assert(std::endian::native == std::endian::little, "pixels in memory are little endian");

std::string first_bytes_of(const std::filesystem::path& file) {
  std::error_code failure;
  const auto status = std::filesystem::status(file, failure);
  if (status.type() == std::filesystem::file_type::not_found)
    throw Error(fmt::format("recording {}: no such file; check the path", file.string()));
  if (failure)
    throw Error(fmt::format("recording {}: {}; check the path", file.string(), failure.message()));
  if (status.type() != std::filesystem::file_type::regular)
    throw Error(fmt::format("recording {}: not a regular file; name a FITS cube or a .npy array",
                            file.string()));
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw Error(fmt::format("recording {}: cannot be opened ({}); check its permissions",
                            file.string(), std::strerror(errno)));
  std::string start(16, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(in.gcount()));
  return start;
}

std::string sha256_of(std::span<const std::byte> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Error("OpenSSL cannot compute SHA-256; check its configuration (FIPS, providers)");
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

Cube load_by_content(const std::filesystem::path& file) {
  const std::string start = first_bytes_of(file);
  if (start.starts_with(kFitsMagic)) return load_fits(file);
  if (start.starts_with(kNpyMagic)) return load_npy(file);
  throw Error(
      fmt::format("recording {}: neither FITS nor .npy by its first bytes; convert it to "
                  "one of them (uncompressed)",
                  file.string()));
}

}  // namespace

Cube load_cube(const std::filesystem::path& file) {
  Cube cube = load_by_content(file);
  cube.sha256 = sha256_of(cube.pixels);
  return cube;
}

}  // namespace daohil::drivers
