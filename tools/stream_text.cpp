#include "tools/stream_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace daohil::tools {
namespace {

using Json = nlohmann::ordered_json;
using shm::StreamReport;

constexpr std::size_t kLineWidth = 100;

enum class Align { left, right };
using Row = std::vector<std::string>;

std::string cell(const std::string& text, std::size_t width, Align align) {
  return align == Align::left ? fmt::format("{:<{}}", text, width)
                              : fmt::format("{:>{}}", text, width);
}

// All columns but the last are aligned; that one is left as it is.
std::string table(const std::vector<Align>& alignments, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(alignments.size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < alignments.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < alignments.size(); ++i)
      line += cell(row[i], widths[i], alignments[i]) + "  ";
    const std::string& last = row.back();
    const bool fits = line.size() + last.size() <= kLineWidth;
    if (!fits) line.erase(line.find_last_not_of(' ') + 1);
    text += line + (fits ? "" : "\n  ") + last + "\n";
  }
  return text;
}

shm::Duration age_of(shm::UtcTime time, shm::UtcTime now) {
  return shm::Duration{now.count() - time.count()};
}

Row list_row(const StreamReport& report, shm::UtcTime now) {
  Row row(7, "-");
  if (report.layout) {
    row[0] = report.layout->format.shape().str();
    row[1] = shm::name_of(report.layout->format.type());
    row[2] = fmt::format("{}", report.layout->depth);
    row[3] = fmt::format("{}", report.newest ? report.newest->counter.value : 0);
  }
  if (report.rate_hz) row[4] = fmt::format("{:.1f}", *report.rate_hz);
  if (report.newest) row[5] = age_text(age_of(report.newest->time, now));
  row[6] = shm::name_of(report.writer);
  row.emplace_back(report.layout ? shm::name_of(report.layout->version) : "none");
  row.push_back(printable(report.path.string()));
  return row;
}

std::string holders_text(const std::vector<shm::Holder>& holders) {
  std::string text;
  for (const auto& holder : holders)
    text +=
        fmt::format("{}{} {}{}", text.empty() ? "" : ", ", holder.pid, printable(holder.command),
                    holder.role == shm::Holder::Role::writes ? " (writer)" : "");
  return text.empty() ? "no process that can be seen" : text;
}

std::string semaphores_text(const StreamReport& report) {
  const shm::SemaphoreReport& semaphores = report.semaphores;
  std::string text =
      fmt::format("{} of {}, {} log", semaphores.present, shm::Layout::kSemaphores,
                  semaphores.log == shm::SemaphoreReport::Log::present ? "and the" : "without the");
  if (semaphores.surplus > 0)
    text += fmt::format("; {} numbered 10 and up, which overrun a reference reader's table",
                        semaphores.surplus);
  for (const auto& other : report.shares_semaphores_with)
    text += fmt::format("; SHARED with {}", printable(other.string()));
  return text;
}

std::string newest_text(const StreamReport& report, shm::UtcTime now) {
  if (!report.newest) return "none yet";
  return fmt::format("{}, device's number {}, committed {}, {} ago", report.newest->counter.value,
                     report.newest->id.value, shm::to_iso8601(report.newest->time),
                     age_text(age_of(report.newest->time, now)));
}

double microseconds(shm::Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

std::string state_text(const shm::SlotReport& slot) {
  if (slot.state == shm::SlotReport::State::being_written) return "being written";
  return slot.counter.value == 0 ? "never written" : "whole";
}

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json time_json(shm::UtcTime time) {
  return time.count() == 0 ? Json() : Json(shm::to_iso8601(time));
}

Json slot_json(const shm::SlotReport& slot) {
  return {{"slot", slot.slot},
          {"counter", slot.counter.value},
          {"frame_id", slot.id.value},
          {"time_ns", slot.time.count()},
          {"state", state_text(slot)}};
}

}  // namespace

std::string age_text(shm::Duration age) {
  using namespace std::chrono;
  const double seconds = duration<double>(age).count();
  if (age < shm::Duration{0}) return "-";
  if (age < 10s) return fmt::format("{:.2f}s", seconds);
  if (age < minutes(2)) return fmt::format("{:.0f}s", seconds);
  if (age < hours(2)) return fmt::format("{}m", duration_cast<minutes>(age).count());
  if (age < hours(48)) return fmt::format("{}h", duration_cast<hours>(age).count());
  return fmt::format("{}d", duration_cast<hours>(age).count() / 24);
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  constexpr double kThousand = 1000;
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= kThousand && unit + 1 < kUnits.size(); ++unit) value /= kThousand;
  return fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::string printable(std::string_view text) {
  std::string safe(text);
  for (char& c : safe) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F) c = '?';
  }
  return safe;
}

std::string list_table(const std::vector<StreamReport>& reports, shm::UtcTime now) {
  std::vector<Row> rows{
      {"shape", "type", "depth", "frames", "rate [Hz]", "age", "writer", "layout", "path"}};
  for (const auto& report : reports) {
    rows.push_back(list_row(report, now));
    if (!report.layout) rows.back().back() += "\n  " + printable(report.reason);
  }
  using enum Align;
  return table({left, left, right, right, right, right, left, left}, rows);
}

std::string slot_table(const StreamReport& report) {
  std::vector<Row> rows{{"slot", "counter", "frame id", "committed [ns since 1970]", "state"}};
  for (const auto& slot : report.slots)
    rows.push_back({fmt::format("{}", slot.slot), fmt::format("{}", slot.counter.value),
                    fmt::format("{}", slot.id.value), fmt::format("{}", slot.time.count()),
                    state_text(slot)});
  using enum Align;
  return table({right, right, right, right}, rows);
}

std::string info_text(const StreamReport& report, shm::UtcTime now) {
  std::string text = printable(report.path.string()) + "\n";
  const auto line = [&](std::string_view label, const std::string& value) {
    text += fmt::format("  {:<11}{}\n", label, value);
  };
  const shm::RecognisedLayout& layout = *report.layout;
  line("layout", std::string(shm::name_of(layout.version)));
  if (!report.is_stream()) line("unreadable", printable(report.reason));
  line("frame", layout.format.str());
  line("depth", fmt::format("{}", layout.depth));
  line("file", fmt::format("{}, {} bytes of metadata a slot, mode {:04o}, owner {}",
                           bytes_text(report.file_bytes), layout.metadata_bytes, report.mode,
                           report.owner));
  line("name", printable(report.name));
  line("created", report.created.count() == 0 ? "-" : shm::to_iso8601(report.created));
  line("newest", newest_text(report, now));
  line("rate", report.rate_hz
                   ? fmt::format("{:.1f} Hz by the commit times in the ring", *report.rate_hz)
                   : "-");
  line("writer", std::string(shm::name_of(report.writer)));
  line("mapped by", holders_text(report.holders));
  line("semaphores", semaphores_text(report));
  line("keywords", fmt::format("{}", layout.keywords));
  for (const auto& keyword : report.keywords)
    if (!keyword.name.empty() || keyword.type != 'N')
      text += fmt::format("    {:<16} {}  {}  {}\n", printable(keyword.name),
                          printable({&keyword.type, 1}), printable(keyword.value),
                          printable(keyword.comment));
  return text;
}

std::string pace_text(const shm::PaceReport& report) {
  std::string text;
  const auto line = [&](std::string_view label, const std::string& value) {
    text += fmt::format("  {:<11}{}\n", label, value);
  };
  line("frames",
       fmt::format("{} observed, {} lost in {} gaps", report.frames, report.lost, report.gaps));
  line("rate", report.rate_hz ? fmt::format("{:.3f} Hz published", *report.rate_hz) : "-");
  if (report.interval) {
    const auto& i = *report.interval;
    line("interval",
         fmt::format("min {:.1f}  median {:.1f}  mean {:.1f}  p99 {:.1f}  p99.9 {:.1f}  max {:.1f} "
                     "us",
                     microseconds(i.min), microseconds(i.median), microseconds(i.mean),
                     microseconds(i.p99), microseconds(i.p999), microseconds(i.max)));
    line("", fmt::format("of {} pairs of consecutive frames, by the commit times in the metadata",
                         i.count));
    if (i.of_every > 1) line("", fmt::format("percentiles of every {}th of them", i.of_every));
  } else {
    line("interval", "- (no two consecutive frames)");
  }
  line("counter", fmt::format("{} duplicates, {} rewinds, {} times recreated", report.duplicates,
                              report.rewinds, report.recreated));
  line("device", fmt::format("{} frames lost before the stream, {} repeated", report.device_lost,
                             report.device_repeated));
  if (report.time_steps > 0)
    line("clock", fmt::format("commit times went back {} times", report.time_steps));
  return text;
}

Json to_json(const StreamReport& report, shm::UtcTime now, Detail detail) {
  const auto& layout = report.layout;
  Json json{{"path", report.path.string()},
            {"layout", layout ? Json(shm::name_of(layout->version)) : Json()},
            {"readable", report.is_stream()}};
  if (!report.reason.empty()) json["reason"] = report.reason;
  json["file_bytes"] = report.file_bytes;
  json["mode"] = fmt::format("{:04o}", report.mode);
  json["owner"] = report.owner;
  json["writer"] = shm::name_of(report.writer);
  json["holders"] = Json::array();
  for (const auto& holder : report.holders)
    json["holders"].push_back({{"pid", holder.pid},
                               {"command", holder.command},
                               {"writes", holder.role == shm::Holder::Role::writes}});
  json["semaphores"] = {{"present", report.semaphores.present},
                        {"surplus", report.semaphores.surplus},
                        {"log", report.semaphores.log == shm::SemaphoreReport::Log::present},
                        {"shared_with", Json::array()}};
  for (const auto& other : report.shares_semaphores_with)
    json["semaphores"]["shared_with"].push_back(other.string());
  if (!layout) return json;
  json["shape"] = Json::array();
  for (std::size_t i = 0; i < layout->format.shape().axes(); ++i)
    json["shape"].push_back(layout->format.shape()[i]);
  json["type"] = shm::name_of(layout->format.type());
  json["depth"] = layout->depth;
  json["metadata_bytes"] = layout->metadata_bytes;
  json["name"] = report.name;
  json["created"] = time_json(report.created);
  json["newest"] = report.newest ? slot_json(*report.newest) : Json();
  json["age_s"] =
      report.newest ? Json(std::chrono::duration<double>(age_of(report.newest->time, now)).count())
                    : Json();
  json["rate_hz"] = optional_number(report.rate_hz);
  json["keywords"] = Json::array();
  for (const auto& keyword : report.keywords)
    json["keywords"].push_back({{"name", keyword.name},
                                {"type", std::string(1, keyword.type)},
                                {"value", keyword.value},
                                {"comment", keyword.comment}});
  if (detail == Detail::with_slots) {
    json["slots"] = Json::array();
    for (const auto& slot : report.slots) json["slots"].push_back(slot_json(slot));
  }
  return json;
}

Json to_json(const shm::PaceReport& report) {
  Json json{{"frames", report.frames},
            {"lost", report.lost},
            {"gaps", report.gaps},
            {"duplicates", report.duplicates},
            {"rewinds", report.rewinds},
            {"recreated", report.recreated},
            {"time_steps", report.time_steps},
            {"device_lost", report.device_lost},
            {"device_repeated", report.device_repeated},
            {"rate_hz", optional_number(report.rate_hz)},
            {"times", "commit"},
            {"interval_us", nullptr}};
  if (report.interval) {
    const auto& i = *report.interval;
    json["interval_us"] = {{"count", i.count},
                           {"min", microseconds(i.min)},
                           {"mean", microseconds(i.mean)},
                           {"median", microseconds(i.median)},
                           {"p99", microseconds(i.p99)},
                           {"p99.9", microseconds(i.p999)},
                           {"max", microseconds(i.max)},
                           {"of_every", i.of_every}};
  }
  return json;
}

}  // namespace daohil::tools
