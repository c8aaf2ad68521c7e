// The logging half of the C names, and what the last error was.

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <string>

#include "shm/dao.h"
#include "shm/detail/dao_image.hpp"

// A plain int, since programs made for the reference define and read it themselves.
int daoLogLevel = DAO_INFO;

namespace {

std::atomic<int> function_level{DEFAULT_LOG_LEVEL};
thread_local std::string last_error;

const char* name_of(int level) {
  switch (level) {
    case LOG_LEVEL_ERROR:
      return "ERROR";
    case LOG_LEVEL_WARNING:
      return "WARNING";
    case LOG_LEVEL_INFO:
      return "INFO";
    case LOG_LEVEL_DEBUG:
      return "DEBUG";
    case LOG_LEVEL_TRACE:
      return "TRACE";
    default:
      return "UNKNOWN";
  }
}

void log(int level, const char* format, std::va_list arguments) {
  if (level > function_level || format == nullptr) return;
  std::printf("[%s] [%s] ", daoBaseGetTimeStamp(), name_of(level));
  std::vprintf(format, arguments);
}

}  // namespace

namespace daohil::shm::detail {

int_fast8_t fail(const std::string& why) noexcept {
  try {
    last_error = why;
    if (daoLogLevel >= 0) fmt::print(stderr, "dao: {}\n", why);
  } catch (...) {  // out of memory or a closed stderr: the code still says that it failed
  }
  return DAO_ERROR;
}

void warn(const std::string& what) noexcept {
  try {
    if (daoLogLevel >= DAO_WARNING) fmt::print(stderr, "dao: warning: {}\n", what);
  } catch (...) {  // a closed stderr
  }
}

}  // namespace daohil::shm::detail

extern "C" {

const char* daoLastError(void) { return last_error.c_str(); }

void daoSetLogLevel(int logLevel) { daoLogLevel = logLevel; }

int daoGetLogLevel(void) { return daoLogLevel; }

void daoLogSetLevel(int log_level) { function_level = log_level; }

char* daoBaseGetTimeStamp(void) {
  thread_local std::array<char, 64> text{};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  ::localtime_r(&now.tv_sec, &local);
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d_%H:%M:%S", &local);
  std::snprintf(text.data() + length, text.size() - length, ":%06ld", now.tv_nsec / 1000);
  return text.data();
}

unsigned daoBaseIp2Int(const char* ip) {
  if (ip == nullptr) return DAO_ERROR;
  unsigned address = 0;
  for (int part = 0; part < 4; ++part) {
    unsigned value = 0;
    if (*ip < '0' || *ip > '9') return DAO_ERROR;
    for (; *ip >= '0' && *ip <= '9'; ++ip) {
      value = value * 10 + static_cast<unsigned>(*ip - '0');
      if (value > 255) return DAO_ERROR;
    }
    address = address << 8 | value;
    // Behind the fourth number anything may stand, a port for one.
    if (part < 3 && *ip++ != '.') return DAO_ERROR;
  }
  return address;
}

void daoLog(int log_level, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  log(log_level, format, arguments);
  va_end(arguments);
}

// One function like the other: C has no way to hand variable arguments on by name.
#define DAO_LOG_FUNCTION(name, level)  \
  void name(const char* format, ...) { \
    std::va_list arguments;            \
    va_start(arguments, format);       \
    log((level), format, arguments);   \
    va_end(arguments);                 \
  }

DAO_LOG_FUNCTION(daoLogError, LOG_LEVEL_ERROR)
DAO_LOG_FUNCTION(daoLogPrint, LOG_LEVEL_INFO)
DAO_LOG_FUNCTION(daoLogWarning, LOG_LEVEL_WARNING)
DAO_LOG_FUNCTION(daoLogInfo, LOG_LEVEL_INFO)
DAO_LOG_FUNCTION(daoLogDebug, LOG_LEVEL_DEBUG)
DAO_LOG_FUNCTION(daoLogTrace, LOG_LEVEL_TRACE)

#undef DAO_LOG_FUNCTION

}  // extern "C"
