#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "shm/cleanup.hpp"
#include "shm/interval_meter.hpp"
#include "shm/survey.hpp"

/// How `hil stream` shows what shm/ has found out.
namespace daohil::tools {

/// Rows under a header, columns as wide as they need to be; the last one, a path, goes on a line of
/// its own where the row would exceed 100 columns.
[[nodiscard]] std::string list_table(const std::vector<shm::StreamReport>& reports,
                                     shm::UtcTime now);
[[nodiscard]] std::string slot_table(const shm::StreamReport& report);
[[nodiscard]] std::string info_text(const shm::StreamReport& report, shm::UtcTime now);
[[nodiscard]] std::string pace_text(const shm::PaceReport& report);

enum class Detail { without_slots, with_slots };
[[nodiscard]] nlohmann::ordered_json to_json(const shm::StreamReport& report, shm::UtcTime now,
                                             Detail detail);
[[nodiscard]] nlohmann::ordered_json to_json(const shm::PaceReport& report);

/// "0.35s", "12m", "3d"; "-" for a time to come
[[nodiscard]] std::string age_text(shm::Duration age);
/// "36.9 kB"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// What a file says, without what a terminal would obey.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace daohil::tools
