#include "hil/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace daohil::hil {
namespace {

constexpr char kMagic[8] = {'H', 'I', 'L', 'T', 'R', 'C', '0', '1'};

enum class Kind : std::uint32_t { source = 1, reader = 2, attachments = 3 };

struct Section {
  Kind kind;
  std::uint32_t event_bytes;
  std::uint64_t events;
  char name[64];
};
static_assert(sizeof(Section) == 80);

template <typename Event>
void put_section(std::ofstream& out, Kind kind, const std::string& name,
                 const std::vector<Event>& events) {
  Section section{kind, sizeof(Event), events.size(), {}};
  std::strncpy(section.name, name.c_str(), sizeof section.name - 1);
  out.write(reinterpret_cast<const char*>(&section), sizeof section);
  out.write(reinterpret_cast<const char*>(events.data()),
            static_cast<std::streamsize>(events.size() * sizeof(Event)));
}

template <typename Event>
std::vector<Event> get_events(std::ifstream& in, const Section& section, std::uintmax_t left,
                              const std::filesystem::path& file) {
  // A later version may have appended fields: they are skipped.
  if (section.event_bytes < sizeof(Event) || section.events > left / section.event_bytes)
    throw std::runtime_error(
        fmt::format("{}: damaged trace: section '{:.64}' says {} events of {} "
                    "bytes",
                    file.string(), section.name, section.events, section.event_bytes));
  std::vector<Event> events(section.events);
  const std::streamsize appended = section.event_bytes - sizeof(Event);
  if (appended == 0) {
    in.read(reinterpret_cast<char*>(events.data()),
            static_cast<std::streamsize>(events.size() * sizeof(Event)));
  } else {
    for (Event& event : events) {
      in.read(reinterpret_cast<char*>(&event), sizeof event);
      in.ignore(appended);
    }
  }
  return events;
}

}  // namespace

void write_trace(const std::filesystem::path& file, const Trace& trace) {
  std::ofstream out(file, std::ios::binary);
  out.write(kMagic, sizeof kMagic);
  const auto sections = static_cast<std::uint32_t>(1 + 2 * trace.readers.size());
  out.write(reinterpret_cast<const char*>(&sections), sizeof sections);
  put_section(out, Kind::source, "source", trace.source);
  for (const ReaderTrace& reader : trace.readers) {
    put_section(out, Kind::reader, reader.name, reader.calls);
    const auto* first = reader.summary.attached;
    put_section(out, Kind::attachments, reader.name,
                std::vector<Attachment>(first, first + reader.summary.attachments));
  }
  out.close();
  if (!out) throw std::runtime_error(fmt::format("cannot write {}", file.string()));
}

Trace read_trace(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const auto bytes = std::filesystem::file_size(file);
  char magic[sizeof kMagic];
  std::uint32_t sections = 0;
  in.read(magic, sizeof magic);
  in.read(reinterpret_cast<char*>(&sections), sizeof sections);
  if (!in || std::memcmp(magic, kMagic, sizeof magic) != 0)
    throw std::runtime_error(fmt::format("{}: not a trace", file.string()));
  Trace trace;
  for (std::uint32_t i = 0; i < sections; ++i) {
    Section section;
    in.read(reinterpret_cast<char*>(&section), sizeof section);
    if (!in) throw std::runtime_error(fmt::format("{}: trace is cut short", file.string()));
    section.name[sizeof section.name - 1] = '\0';
    if (section.kind == Kind::source) {
      trace.source = get_events<SourceEvent>(in, section, bytes, file);
    } else if (section.kind == Kind::attachments && !trace.readers.empty()) {
      ReaderSummary& summary = trace.readers.back().summary;
      const auto attached = get_events<Attachment>(in, section, bytes, file);
      summary.attachments =
          static_cast<std::uint32_t>(std::min(attached.size(), ReaderSummary::kMostAttachments));
      std::copy_n(attached.begin(), summary.attachments, summary.attached);
      if (summary.attachments > 0) {
        summary.first = summary.attached[0].first;
        summary.tail = summary.attached[summary.attachments - 1].tail;
        summary.newest_at_end = summary.attached[summary.attachments - 1].newest_at_end;
      }
    } else if (section.kind != Kind::reader) {  // of a later version
      in.seekg(static_cast<std::streamoff>(section.events * section.event_bytes), std::ios::cur);
    } else {
      ReaderTrace reader;
      reader.name = section.name;
      reader.calls = get_events<CallEvent>(in, section, bytes, file);
      trace.readers.push_back(std::move(reader));
    }
  }
  if (!in) throw std::runtime_error(fmt::format("{}: trace is cut short", file.string()));
  return trace;
}

}  // namespace daohil::hil
