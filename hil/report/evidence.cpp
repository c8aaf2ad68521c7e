#include "hil/report/evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

#include "hil/digest.hpp"
#include "hil/histogram.hpp"
#include "hil/report/json.hpp"
#include "hil/report/junit.hpp"
#include "hil/report/text.hpp"

namespace daohil::hil::report {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw EvidenceError(fmt::format("cannot write {}: disk full?", file.string()));
}

// As HdrHistogram's tools read it. Times begin at 0: in virtual time there are no others, and when a
// run was is in run.json.
void write_delays(const fs::path& file, const judge::CaseResult& result) {
  std::ofstream out(file, std::ios::binary);
  HistogramLogWriter log(out, 0, {result.planned.id, "values in ns"});
  const double seconds = std::chrono::duration<double>(result.span).count();
  for (const auto& [name, delays] : result.delays) log.write({name, 0, seconds, delays});
  out.close();
  if (!out) throw EvidenceError(fmt::format("cannot write {}: disk full?", file.string()));
}

std::string sha256_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  Digest digest;
  std::array<char, 1 << 16> block;
  while (in.read(block.data(), block.size()) || in.gcount() > 0)
    digest.add(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(in.gcount()))));
  return digest.hex();
}

}  // namespace

std::string folder_name(std::string id) {
  std::replace(id.begin(), id.end(), '/', '_');
  return id;
}

Evidence::Evidence(const fs::path& folder) : folder_(folder) {
  std::error_code error;
  if (fs::is_directory(folder_, error) && !fs::is_empty(folder_, error) && !error)
    throw EvidenceError(
        fmt::format("the folder {} is not empty; evidence is never overwritten, "
                    "choose another with --out",
                    folder_.string()));
  fs::create_directories(folder_ / "cases", error);
  if (error)
    throw EvidenceError(
        fmt::format("cannot make the evidence folder {}: {}; choose another with "
                    "--out",
                    folder_.string(), error.message()));
}

void Evidence::add(const SuiteResult& suite, const judge::CaseResult& result, const Trace& trace) {
  const fs::path place = folder_ / "cases" / folder_name(result.planned.id);
  if (fs::exists(place))
    fs::rename(place, fs::path(place.string() + fmt::format(".attempt-{}", result.attempt - 1)));
  fs::create_directories(place);
  write(place / "scenario.resolved.yaml", result.planned.resolved);
  write(place / "result.json", case_json(suite, result));
  const fs::path bench = folder_ / "benches" / (result.planned.bench + ".yaml");
  if (!fs::exists(bench)) {
    fs::create_directories(bench.parent_path());
    write(bench, result.planned.bench_text);
  }
  if (!result.delays.empty()) write_delays(place / "delays.hlog", result);
  if (!trace.source.empty()) write_trace(place / "trace.bin", trace);
}

void Evidence::finish(const SuiteResult& suite) {
  write(folder_ / "verdict.txt", verdict_text(suite));
  write(folder_ / "run.json", run_json(suite));
  write(folder_ / "junit.xml", junit_xml(suite));
  write(folder_ / "host.json", host_json(suite));
  std::string seeds;
  for (const auto& result : suite.results)
    seeds += fmt::format("{} {}\n", result.planned.seed, result.planned.id);
  write(folder_ / "seed.txt", seeds);

  std::set<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_))
    if (entry.is_regular_file()) files.insert(entry.path());
  std::string sums;
  for (const fs::path& file : files)
    sums += fmt::format("{}  {}\n", sha256_of(file), fs::relative(file, folder_).string());
  write(folder_ / "SHA256SUMS", sums);
}

}  // namespace daohil::hil::report
