#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hil/plan/document.hpp"
#include "hil/plan/units.hpp"

namespace daohil::hil::plan {

/// Whether this version runs a word of the format. What it does not run it refuses by name: a
/// fault that is skipped in silence would turn a scenario into a false PASS.
enum class Support { now, later };

struct Key {
  std::string_view name;
  Support support = Support::now;
};

/// A word of a list of alternatives, and what it means.
template <class E>
struct Choice {
  std::string_view word;
  E value;
  Support support = Support::now;
};

class Section;

/// One value of a file with its place, so that every complaint names file, line, key, value and
/// the way out. The accessors convert, or throw Error. Refers to the Node, which must outlive it.
class Field {
 public:
  /// @param where names down to this value: "reader 'slow': rate"; empty for a whole file
  Field(const std::string& file, const Node& node, std::string where)
      : file_(&file), node_(&node), where_(std::move(where)) {}

  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] int line() const { return node_->line; }
  [[nodiscard]] const std::string& file() const { return *file_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  /// The same value under a name of its own: "reader 'slow'" instead of "readers[0]".
  [[nodiscard]] Field called(std::string where) const { return {*file_, *node_, std::move(where)}; }
  [[noreturn]] void fail(std::string_view problem) const { fail_at(line(), problem); }
  [[noreturn]] void fail_at(int line, std::string_view problem) const;
  /// @throws NotYet
  [[noreturn]] void fail_not_yet(int line, std::string_view word) const;

  /// Any scalar that is not empty.
  [[nodiscard]] std::string text() const;
  /// Text of letters, digits and the characters of `also`, 1 to 64 of them.
  [[nodiscard]] std::string name(std::string_view also) const;
  [[nodiscard]] bool truth() const;
  [[nodiscard]] std::uint64_t count(std::uint64_t min, std::uint64_t max) const;
  /// With a sign.
  [[nodiscard]] std::int64_t integer(std::int64_t min, std::int64_t max) const;
  [[nodiscard]] Decimal decimal() const;
  [[nodiscard]] Duration duration() const;
  [[nodiscard]] shm::Rate rate() const;
  /// "500frames", at least 1.
  [[nodiscard]] std::uint64_t frames() const;
  /// The elements of a list, called "readers[2]".
  [[nodiscard]] std::vector<Field> list() const;

  template <class E>
  [[nodiscard]] E one_of(std::span<const Choice<E>> choices) const {
    std::vector<Key> words;
    for (const auto& choice : choices) words.push_back({choice.word, choice.support});
    return choices[index_of_word(words)].value;
  }

 private:
  [[nodiscard]] const std::string& scalar(std::string_view expected) const;
  [[nodiscard]] std::size_t index_of_word(std::span<const Key> words) const;

  const std::string* file_;
  const Node* node_;
  std::string where_;
};

/// A map whose keys are known: made only if it has no other key.
class Section {
 public:
  /// @throws Error if it is not a map, has an unknown key (naming the nearest), or one for later
  Section(Field map, std::span<const Key> keys);

  /// A key that is absent or null: empty.
  [[nodiscard]] std::optional<Field> find(std::string_view key) const;
  [[nodiscard]] Field need(std::string_view key) const;
  [[nodiscard]] const Field& field() const { return map_; }
  [[noreturn]] void fail(std::string_view problem) const { map_.fail(problem); }

 private:
  [[nodiscard]] Field child(std::string_view key, const Node& node) const;

  Field map_;
};

/// "reader 'slow'" if the map has such a text under `key`, else as it is called already.
[[nodiscard]] Field called_by(const Field& map, std::string_view noun, std::string_view key);

/// What an error says of a word of the format that this version does not run.
[[nodiscard]] std::string not_yet(std::string_view word);

}  // namespace daohil::hil::plan
