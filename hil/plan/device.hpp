#pragma once

#include <filesystem>
#include <string>

#include "hil/plan/case.hpp"
#include "hil/plan/document.hpp"
#include "hil/plan/fields.hpp"

/// What bench files and scenario files say of a camera in the same words.
namespace daohil::hil::plan {

/// The driver of a camera: its kind (under `kind_key`), file, loop, sha256.
/// @param base the folder that a relative `file` is meant from; the result is absolute, so that
///        a case means the same in whichever folder its processes run
/// @throws Error on an unknown kind, a file for a kind that plays none, or a file that is not there
void read_driver(const Section& section, std::string_view kind_key,
                 const std::filesystem::path& base, SourcePlan& into);

/// What is special to a USB camera: which one, and its features by their own names, in order.
/// @throws Error when the driver is another one
void read_usb(const Field& field, SourcePlan& into);

/// shape, dtype and rate, each where it is given.
/// @throws Error also when a frame of that shape and dtype cannot be
void read_format(const Section& section, SourcePlan& into);

drivers::OnLate read_on_late(const Field& field);

/// The same again, so that it reads back to the same in any folder.
void write_driver(const SourcePlan& source, const std::string& kind_key, Node& into);
void write_usb(const SourcePlan& source, Node& into);
void write_format(const SourcePlan& source, Node& into);
Node on_late_node(drivers::OnLate on_late);

}  // namespace daohil::hil::plan
