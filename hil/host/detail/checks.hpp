#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hil/host/claim.hpp"
#include "hil/host/doctor.hpp"
#include "hil/host/parse.hpp"
#include "hil/host/root.hpp"

namespace daohil::hil::host::detail {

/// What a check may look at. Shared with a thread that may outlive the examination.
struct Subject {
  explicit Subject(const Request& what) : request(what), root(what.root) {}
  Request request;
  Root root;
  std::atomic<bool> stopped{false};

  [[nodiscard]] const Probes& probes() const { return *request.probes; }
  /// Sleeps, or returns early when the examination was stopped.
  void wait(shm::Duration length) const;

  // Facts that several checks need.
  [[nodiscard]] Cpus online() const;
  [[nodiscard]] Cpus isolated() const;
  [[nodiscard]] Cpus rt_cores() const;  ///< those asked for, else the isolated ones
  [[nodiscard]] Cpus measured() const;  ///< rt_cores, else those this process may run on
  [[nodiscard]] std::string cmdline() const;
  enum class Machine { real, virtual_machine };
  [[nodiscard]] Machine machine() const;
  [[nodiscard]] ClaimEvidence::Kernel kernel() const;
  [[nodiscard]] std::vector<std::filesystem::path> stream_folders() const;
};

struct Remedy {
  std::string reason;
  std::string fix;
};

/// The findings of one or more checks; texts are cleaned here, the rest is of the catalogue.
class Findings {
 public:
  /// The returned finding may be changed until the next is added.
  Finding& add(std::string_view id, Status status, std::string_view observed, Remedy remedy = {});
  void pass(std::string_view id, std::string_view observed) { add(id, Status::pass, observed); }
  void info(std::string_view id, std::string_view observed, std::string reason = {}) {
    add(id, Status::info, observed, {std::move(reason), {}});
  }
  void not_applicable(std::string_view id, std::string reason, std::string fix = {}) {
    add(id, Status::not_applicable, "", {std::move(reason), std::move(fix)});
  }
  void metric(const std::string& name, double value) { metrics_[name] = value; }

  [[nodiscard]] std::vector<Finding>& all() { return findings_; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }

 private:
  std::vector<Finding> findings_;
  Metrics metrics_;
};

/// One or more checks that share what they read. Every id gets at least one finding.
struct Step {
  std::vector<std::string_view> ids;
  void (*look)(const Subject&, Findings&);
};

[[nodiscard]] std::vector<Step> rt_steps();
[[nodiscard]] std::vector<Step> tuning_steps();
[[nodiscard]] std::vector<Step> memory_steps();
[[nodiscard]] std::vector<Step> usb_steps();
[[nodiscard]] std::vector<Step> shm_steps();
[[nodiscard]] std::vector<Step> time_steps();
[[nodiscard]] std::vector<Step> net_steps();

[[nodiscard]] std::string mib_text(std::uint64_t bytes);

}  // namespace daohil::hil::host::detail
