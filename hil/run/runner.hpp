#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "drivers/camera.hpp"
#include "hil/plan/case.hpp"
#include "hil/run/janitor.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::run {

/// How a case ended, apart from what its trace says.
enum class Ending {
  completed,
  aborted,  ///< the user stopped it; the trace is what there was
  broken,   ///< bench, driver or reader failed; see Recording::error
};

struct Recording {
  Ending ending = Ending::completed;
  std::string error;  ///< one line, when broken
  Trace trace;
  std::optional<drivers::CameraDescription> source;  ///< empty when it could not be opened
  shm::Duration elapsed{0};                          ///< wall time, set-up and tear-down included
};

struct Progress {
  std::uint64_t frames = 0;  ///< published so far
  std::uint64_t of = 0;
};

/// What a run needs from outside.
struct Surroundings {
  std::function<void(const Progress&)> progress = [](const Progress&) {};
  /// Polled at least every 50 ms; true stops the run and tears it down.
  std::function<bool()> stop_requested = [] { return false; };
};

/// Runs cases one after the other. Owns the names of the streams it makes and removes them,
/// whatever happens; the janitor does when this process is killed.
/// Not thread-safe: it forks, so the process must have one thread.
class Runner {
 public:
  explicit Runner(Surroundings surroundings);

  /// Open and describe the source of a case, without running it.
  /// @throws drivers::Error when the device is missing or cannot do what the bench asks
  const drivers::CameraDescription& preflight(const plan::Case& wanted);

  /// Never throws for a failure of the bench: that is an Ending.
  /// @param observer follows it; called from this thread
  Recording run(const plan::Case& wanted, Observer& observer);
  /// With nobody watching: what there is to judge is the trace.
  Recording run(const plan::Case& wanted);

 private:
  struct Source {
    drivers::CameraDescription description;
    std::shared_ptr<const drivers::ContentCheck> content;
  };
  const Source& source_of(const plan::Case& wanted);
  [[nodiscard]] std::filesystem::path next_stream();

  Surroundings surroundings_;
  std::optional<Janitor> janitor_;         // from the first run on
  std::map<std::string, Source> sources_;  // by kind and settings: a cube is read once
  unsigned streams_ = 0;
};

}  // namespace daohil::hil::run
