#pragma once

namespace daohil::shm {

/// From now on this process survives the truncation of a stream it has mapped.
///
/// Who touches mapped memory behind the end of a file is killed by SIGBUS: a shell's `> stream`
/// takes every reader down. After this call such a touch finds zeros instead, and what is written
/// there is seen by nobody. Segment::replaced() and Segment::truncated() tell of it, and readers
/// find nothing new. Segments opened before and after are covered, up to 16384 at a time.
///
/// Installs a handler of SIGBUS, once in a process; faults elsewhere go to the handler that was
/// there before. Meant for programs, not for libraries. Thread-safe.
///
/// @throws Error io
void survive_truncation();

}  // namespace daohil::shm
