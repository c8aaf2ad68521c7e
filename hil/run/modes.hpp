#pragma once

#include <filesystem>

#include "hil/run/reader_actor.hpp"
#include "hil/run/runner.hpp"

namespace daohil::hil::run {

/// Events that wait to be taken out, at most; 56 MB of each actor. Seconds at any sensible rate.
inline constexpr std::size_t kMostUntaken = 1'000'000;

/// What both schedulers need to know of a case.
struct Stage {
  const plan::Case& wanted;
  std::filesystem::path stream;  ///< to be created by the source; the caller removes it
  const drivers::CameraDescription& source;
  Proof proof;
  const Surroundings& surroundings;
  Observer& observer;
  drivers::RateProfile profile{source.rate, wanted.source.settings.rate_steps};

  [[nodiscard]] shm::CreateOptions fifo() const {
    return {.format = source.format, .depth = wanted.fifo.depth, .mode = wanted.fifo.mode};
  }
  /// Proof for one reader: sums cost time and are taken only where they are asked for.
  [[nodiscard]] Proof proof_for(const plan::ReaderPlan& reader) const;
  /// How many frames the source can publish.
  [[nodiscard]] std::size_t source_events() const;
  /// Room for every call a reader can sensibly make until they are taken out, many times a second.
  [[nodiscard]] std::size_t calls_of(const plan::ReaderPlan& reader) const;
};

/// Source and readers as processes of their own, by the system clock. SIGPIPE-free, Ctrl-C-safe;
/// every child dies with its parent.
Recording run_in_real_time(const Stage& stage);

/// All actors in this thread under a virtual clock: same actors, same FIFO, deterministic.
Recording run_in_virtual_time(const Stage& stage);

}  // namespace daohil::hil::run
