#pragma once

namespace daohil::tools {

/// From now on SIGINT, SIGTERM and SIGHUP do not end this process: they are noted, for who polls.
void catch_stop_signals();
/// Has one of them come?
[[nodiscard]] bool stop_requested();

}  // namespace daohil::tools
