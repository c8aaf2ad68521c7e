#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hil/plan/document.hpp"
#include "hil/plan/fields.hpp"

namespace daohil::hil::plan {

/// One variable of the matrix with one of its values.
struct Assignment {
  std::string name;
  Node value;  ///< a scalar
};

/// One cell of the matrix: every variable, in the order of the file.
using Combination = std::vector<Assignment>;

/// The cells of a matrix in order, the last variable running fastest:
///   N: [1, 8]                       a list of values
///   rho: {from: 1, to: 4, step: 1}  whole numbers, both ends included
///   zip: [[N, rho]]                 these advance together instead of making a product
///   exclude: [{N: 1, rho: 4}]       leaves out the cells that match all of an entry
/// Values become part of the case id and so are made of letters, digits and . _ + - only.
/// At most 10 000 cells. If complaints are gathered, a matrix with one makes a single cell, in
/// which what is not known is marked as reported.
/// @throws Error
std::vector<Combination> expand_matrix(const Field& matrix);

/// A copy of a scenario's tree with every ${name} in its values replaced; the matrix itself is
/// left as it is. A value that is nothing but ${name} becomes the variable's value, type included.
/// A variable that is not in the combination is wrong.
/// @param problems as of Field
Node substituted(const Document& scenario, const Combination& combination,
                 Problems* problems = nullptr);

/// A variable of several values that is used nowhere is wrong: its cases would be copies.
/// @param problems as of Field
void refuse_unused(const Document& scenario, const std::vector<Combination>& cells,
                   Problems* problems = nullptr);

/// "[N=8,rho=1.5]", empty for the empty combination.
std::string suffix_of(const Combination& combination);

}  // namespace daohil::hil::plan
