#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "drivers/error.hpp"

namespace daohil::drivers::test {

/// The call throws drivers::Error with a message on one line that holds all `parts`.
template <typename Call>
void expect_error(const Call& call, std::initializer_list<std::string_view> parts) {
  try {
    call();
    ADD_FAILURE() << "no Error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string_view part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
  }
}

}  // namespace daohil::drivers::test
