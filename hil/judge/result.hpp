#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/camera.hpp"
#include "hil/histogram.hpp"
#include "hil/plan/case.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::judge {

/// In the order of severity for a suite: the worst decides, `aborted` above all.
enum class Verdict { skip, pass, marginal, inconclusive, flaky, fail, error, aborted };

[[nodiscard]] std::string_view name_of(Verdict verdict);  ///< "PASS", "INCONCLUSIVE", ...
[[nodiscard]] int exit_code_of(Verdict verdict);          ///< 0, 1, 3, 4 or 130

enum class Claim { equality, upper_bound };

/// What theory says of a metric, beside what was observed.
struct Prediction {
  plan::Value nominal;       ///< from the scenario's numbers
  double low = 0, high = 0;  ///< what the bench as measured allows; equal to nominal if exact
  std::string formula;
  std::string inputs;
  Claim claim = Claim::equality;
};

/// One expectation, measured.
struct Measurement {
  std::string id;
  std::string metric;
  plan::Value observed;
  std::string limit;  ///< "= 0", "predicted 1249", ">= 5"
  std::optional<Prediction> prediction;
  plan::Tier tier = plan::Tier::a;
  Verdict verdict = Verdict::pass;
  std::string why;  ///< for all but pass
};

/// Was the bench fit to measure? Judged from the trace, and printed with every result.
struct BenchHealth {
  Scheduling scheduling = Scheduling::ordinary;
  double rate_hz = 0;
  double rate_error_ppm = 0;
  std::uint64_t skipped = 0;  ///< frames that fell due while the source was not there
  std::uint64_t late = 0;     ///< published more than a period after they were due
  std::int64_t worst_lateness_ns = 0;
  std::uint64_t pauses = 0;  ///< an actor was held up: frame over a period, call over half of one
  std::string unfit;         ///< why nothing can be concluded; empty: fit
};

struct CaseResult {
  plan::Case planned;
  int attempt = 1;
  Verdict verdict = Verdict::pass;
  std::string why;       ///< one line; empty for pass
  std::string headline;  ///< the numbers a reader of the table wants first
  std::vector<Measurement> measurements;
  std::map<std::string, plan::Value> metrics;
  /// What delays came how often, in ns, by what they are of: "fifo.wfs.slow.latency".
  std::map<std::string, Histogram> delays;
  shm::Duration span{0};  ///< from the first frame published to the last
  BenchHealth health;
  std::optional<drivers::CameraDescription> source;  ///< empty when it was never opened
  shm::Duration elapsed{0};
};

[[nodiscard]] std::string to_text(const plan::Value& value);

}  // namespace daohil::hil::judge
