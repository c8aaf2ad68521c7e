#include "hil/report/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "hil/judge/offence.hpp"
#include "hil/judge/oracle.hpp"
#include "hil/plan/planner.hpp"
#include "hil/report/evidence.hpp"

namespace daohil::hil::report {
namespace {

using Json = nlohmann::ordered_json;
using shm::ReadStatus;

constexpr std::size_t kWriter = static_cast<std::size_t>(-1);

// An event to mark: of the writer, or of one reader.
struct Focus {
  std::size_t reader = kWriter;
  std::size_t index = 0;
  std::int64_t at = 0;
  std::string what;
};

std::string_view name_of(Content content) {
  switch (content) {
    case Content::unchecked:
      return "-";
    case Content::good:
      return "good";
    case Content::torn:
      return "TORN";
    case Content::wrong_frame:
      return "WRONG";
    case Content::discarded:
      return "gone";
  }
  return "?";
}

bool has_frame(const CallEvent& call) {
  return call.status == ReadStatus::success || call.status == ReadStatus::overwrite;
}

// The tail at open is not in the file. A reader that takes frames in turn shows it by its first
// frame; one that was overwritten at once is taken to have been there from the start.
std::uint64_t first_tail(const ReaderTrace& reader) {
  const auto first = std::find_if(reader.calls.begin(), reader.calls.end(), has_frame);
  if (first == reader.calls.end() || first->status != ReadStatus::success || first->counter == 0)
    return 0;
  return first->counter - 1;
}

Trace load_trace(const StoredCase& stored) {
  const auto file = stored.folder / "trace.bin";
  std::error_code error;
  if (stored.sweep)
    throw EvidenceError(fmt::format(
        "{}: is a claim over several cases and has no trace; name one of the cases it compares",
        stored.id));
  if (!std::filesystem::exists(file, error))
    throw EvidenceError(fmt::format("{}: no trace: the case gave {}{}", file.string(),
                                    stored.verdict, stored.why.empty() ? "" : ": " + stored.why));
  try {
    Trace trace = read_trace(file);
    for (ReaderTrace& reader : trace.readers) reader.summary.first = first_tail(reader);
    return trace;
  } catch (const std::exception& damage) {
    throw EvidenceError(damage.what());
  }
}

std::optional<Focus> first_offence_of(const Trace& trace, const StoredCase& stored,
                                      const std::optional<plan::Case>& planned) {
  std::optional<Focus> first;
  const auto offer = [&](std::size_t reader, const judge::Offence& offence, std::int64_t at) {
    if (!first || at < first->at) first = Focus{reader, offence.index, at, offence.what};
  };
  if (const auto offence = judge::first_offence(trace.source))
    offer(kWriter, *offence, trace.source[offence->index].published);
  for (std::size_t i = 0; i < trace.readers.size(); ++i) {
    const ReaderTrace& reader = trace.readers[i];
    judge::Rulebook rules{.reader = nullptr,
                          .depth = stored.depth,
                          .oracle = true,
                          .guard_ns = stored.mode == "virtual" ? 0 : judge::kClockGuardNs};
    if (planned) {
      const auto plan = std::find_if(planned->readers.begin(), planned->readers.end(),
                                     [&](const auto& r) { return r.name == reader.name; });
      if (plan != planned->readers.end()) rules.reader = &*plan;
    }
    // Of readers that nobody asks it about, the oracle may know less than it thinks.
    const bool simple = rules.reader != nullptr && (rules.reader->mode == plan::ReadMode::next ||
                                                    rules.reader->mode == plan::ReadMode::newest);
    rules.oracle = simple || std::find(stored.asked.begin(), stored.asked.end(), reader.name) !=
                                 stored.asked.end();
    if (const auto offence = judge::first_offence(trace.source, reader, rules))
      offer(i, *offence, reader.calls[offence->index].before);
  }
  return first;
}

std::optional<Focus> first_call_where(const Trace& trace, const std::string& what, auto&& wanted) {
  std::optional<Focus> first;
  for (std::size_t i = 0; i < trace.readers.size(); ++i) {
    const auto& calls = trace.readers[i].calls;
    const auto call = std::find_if(calls.begin(), calls.end(), wanted);
    if (call != calls.end() && (!first || call->before < first->at))
      first = Focus{i, static_cast<std::size_t>(call - calls.begin()), call->before, what};
  }
  return first;
}

// All events near the focus, in the order of time; of two at the same time the writer's first, as
// in virtual time.
std::vector<Explanation::Line> lines_around(const Trace& trace, const Focus& focus,
                                            std::size_t around) {
  std::vector<Explanation::Line> lines;
  // Of each actor as many as the whole needs at most, so that a long trace is not sorted.
  const auto window = [&](std::size_t begin, std::size_t n) {
    const std::size_t from = begin > around + 1 ? begin - around - 1 : 0;
    return std::pair(from, std::min(n, begin + around + 2));
  };
  const auto& source = trace.source;
  const auto published = std::partition_point(
      source.begin(), source.end(), [&](const auto& e) { return e.published < focus.at; });
  const auto [from, to] = window(
      focus.reader == kWriter ? focus.index : static_cast<std::size_t>(published - source.begin()),
      source.size());
  for (std::size_t i = from; i < to; ++i)
    lines.push_back({source[i].published, focus.reader == kWriter && i == focus.index,
                     Explanation::Frame{source[i]}});
  for (std::size_t r = 0; r < trace.readers.size(); ++r) {
    const auto& calls = trace.readers[r].calls;
    const auto near = std::partition_point(calls.begin(), calls.end(),
                                           [&](const auto& c) { return c.before < focus.at; });
    const auto [first, last] =
        window(focus.reader == r ? focus.index : static_cast<std::size_t>(near - calls.begin()),
               calls.size());
    for (std::size_t i = first; i < last; ++i)
      lines.push_back({calls[i].before, focus.reader == r && i == focus.index,
                       Explanation::Call{trace.readers[r].name, i, calls[i]}});
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  const auto marked = static_cast<std::size_t>(
      std::find_if(lines.begin(), lines.end(), [](const auto& l) { return l.focus; }) -
      lines.begin());
  const std::size_t begin = marked > around ? marked - around : 0;
  const std::size_t end = std::min(lines.size(), marked + around + 1);
  return {lines.begin() + static_cast<std::ptrdiff_t>(begin),
          lines.begin() + static_cast<std::ptrdiff_t>(end)};
}

// ------------------------------------------------------------------------------------------ text

using Row = std::vector<std::string>;

// Columns as wide as they must be: numbers to the right, words to the left.
std::string table(const std::vector<Row>& rows, const std::vector<bool>& words) {
  std::vector<std::size_t> width(words.size(), 0);
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (width[i] == 0) continue;
      line += words[i] ? fmt::format("{:<{}} ", row[i], width[i])
                       : fmt::format("{:>{}} ", row[i], width[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string timeline(const std::vector<Explanation::Line>& lines) {
  if (lines.empty()) return {};
  // A frame is due before it is published: it begins there.
  std::int64_t origin = lines.front().at;
  if (const auto* frame = std::get_if<Explanation::Frame>(&lines.front().what))
    origin = std::min({origin, frame->event.due, frame->event.claimed});
  const auto us = [&](std::int64_t t) {
    return fmt::format("{:.3f}", static_cast<double>(t - origin) / 1000);
  };
  std::string only_reader;
  bool several = false;
  for (const auto& line : lines)
    if (const auto* call = std::get_if<Explanation::Call>(&line.what)) {
      several = several || (!only_reader.empty() && only_reader != call->reader);
      only_reader = call->reader;
    }
  std::vector<Row> rows{{"", "due", "claimed", "published", "frame", "id", "|",
                         several ? "reader" : "", "call", "before", "after", "status", "frame",
                         "lost", "content"}};
  for (const auto& line : lines) {
    const std::string mark = line.focus ? ">" : "";
    if (const auto* frame = std::get_if<Explanation::Frame>(&line.what)) {
      const SourceEvent& e = frame->event;
      rows.push_back({mark, us(e.due), us(e.claimed), us(e.published), fmt::format("{}", e.counter),
                      fmt::format("{}", e.id), "|", "", "", "", "", "", "", "", ""});
      continue;
    }
    const auto& call = std::get<Explanation::Call>(line.what);
    const CallEvent& e = call.event;
    const bool delivered = has_frame(e);
    rows.push_back({mark, "", "", "", "", "", "|", several ? call.reader : "",
                    fmt::format("{}", call.index), us(e.before), us(e.after),
                    std::string(shm::name_of(e.status)),
                    delivered ? fmt::format("{}", e.counter) : "-",
                    // Signed: a reader that went back says 2^64 - 1.
                    delivered ? fmt::format("{}", static_cast<std::int64_t>(e.lost)) : "-",
                    std::string(name_of(e.content))});
  }
  return table(rows, {true, false, false, false, false, false, true, true, false, false, false,
                      true, false, false, true});
}

}  // namespace

Explanation explain(const StoredRun& run, const StoredCase& stored, std::size_t around) {
  const Trace trace = load_trace(stored);
  Explanation explanation{
      .stored = stored, .focus = {}, .caution = {}, .offence = false, .lines = {}};
  std::optional<plan::Case> planned;
  std::optional<Focus> focus;
  if (stored.verdict != "PASS") {
    try {
      planned = run.plan_of(stored);
    } catch (const std::exception& error) {
      explanation.caution =
          fmt::format("the oracle was not asked, for want of the plan: {}", error.what());
    }
    focus = first_offence_of(trace, stored, planned);
    explanation.offence = focus.has_value();
  }
  if (!focus)
    focus = first_call_where(trace, "the first overwrite", [](const CallEvent& call) {
      return call.status == ReadStatus::overwrite;
    });
  if (!focus)
    focus = first_call_where(trace, "the first call; nothing was overwritten",
                             [](const CallEvent&) { return true; });
  if (!focus && !trace.source.empty())
    focus = Focus{kWriter, 0, trace.source.front().published, "the first frame; nobody called"};
  if (!focus)
    throw EvidenceError(fmt::format("{}: holds no event", (stored.folder / "trace.bin").string()));

  explanation.focus =
      focus->reader == kWriter
          ? fmt::format("writer, frame {}: {}", trace.source[focus->index].counter, focus->what)
          : fmt::format("reader '{}', call {}: {}", trace.readers[focus->reader].name, focus->index,
                        focus->what);
  explanation.lines = lines_around(trace, *focus, around);
  return explanation;
}

std::string explanation_text(const Explanation& explanation) {
  const StoredCase& stored = explanation.stored;
  std::string text = fmt::format("{}   {}   {}   depth {}   seed {}\n", stored.id, stored.verdict,
                                 stored.mode, stored.depth, stored.seed);
  if (!stored.why.empty()) text += fmt::format("why     {}\n", stored.why);
  for (const std::string& line : stored.failed) text += fmt::format("failed  {}\n", line);
  if (!explanation.caution.empty()) text += fmt::format("note    {}\n", explanation.caution);
  if (stored.verdict == "PASS")
    text += "        nothing is wrong here\n";
  else if (!explanation.offence)
    text += "        no single call is wrong by itself\n";
  text += fmt::format(">       {}\n\nus from the first event\n", explanation.focus);
  return text + timeline(explanation.lines);
}

std::string explanation_json(const Explanation& explanation) {
  const StoredCase& stored = explanation.stored;
  Json json{{"case", stored.id},         {"attempt", stored.attempt},
            {"verdict", stored.verdict}, {"why", stored.why},
            {"failed", stored.failed},   {"offence", explanation.offence},
            {"focus", explanation.focus}};
  if (!explanation.caution.empty()) json["note"] = explanation.caution;
  json["events"] = Json::array();
  for (const auto& line : explanation.lines) {
    Json event;
    if (const auto* frame = std::get_if<Explanation::Frame>(&line.what)) {
      const SourceEvent& e = frame->event;
      event = {{"who", "writer"},
               {"due_ns", e.due},
               {"claimed_ns", e.claimed},
               {"publishing_ns", e.publishing},
               {"published_ns", e.published},
               {"counter", e.counter},
               {"id", e.id}};
    } else {
      const auto& call = std::get<Explanation::Call>(line.what);
      const CallEvent& e = call.event;
      event = {{"who", call.reader},
               {"call", call.index},
               {"intended_ns", e.intended},
               {"before_ns", e.before},
               {"after_ns", e.after},
               {"status", shm::name_of(e.status)},
               {"counter", e.counter},
               {"id", e.id},
               {"lost", e.lost},
               {"content", name_of(e.content)},
               {"waited", e.waited != 0}};
    }
    event["focus"] = line.focus;
    json["events"].push_back(std::move(event));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace daohil::hil::report
