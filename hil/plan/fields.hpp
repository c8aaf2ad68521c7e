#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hil/plan/document.hpp"
#include "hil/plan/problem.hpp"
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

/// What was written, and what could have been.
struct Alternatives {
  std::string value;
  std::vector<std::string_view> allowed;
};

/// One value of a file with its place, so that every complaint names file, line, key, value and
/// the way out. The accessors convert, or throw Error. Refers to the Node, which must outlive it.
class Field {
 public:
  /// @param where names down to this value: "reader 'slow': rate"; empty for a whole file
  /// @param problems where `gather` keeps complaints; none: the first one is thrown on
  Field(const std::string& file, const Node& node, std::string where, Problems* problems = nullptr)
      : file_(&file), node_(&node), where_(std::move(where)), problems_(problems) {}

  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] int line() const { return node_->line; }
  [[nodiscard]] const std::string& file() const { return *file_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  /// The same value under a name of its own: "reader 'slow'" instead of "readers[0]".
  [[nodiscard]] Field called(std::string where) const {
    return {*file_, *node_, std::move(where), problems_};
  }
  /// Another value of the same file.
  [[nodiscard]] Field other(const Node& node, std::string where) const {
    return {*file_, node, std::move(where), problems_};
  }

  /// @throws Error
  [[noreturn]] void fail(std::string_view problem) const;
  /// Of a word that is none of those allowed. `problem` says so itself.
  [[noreturn]] void fail(std::string_view problem, const Alternatives& alternatives) const;
  /// Of a key of this map.
  [[noreturn]] void fail_key(const Node::Key& key, std::string_view problem,
                             const Alternatives& alternatives) const;
  /// This word is part of hil/v1, and not run by this version.
  [[noreturn]] void fail_not_yet(std::string_view word) const;
  [[noreturn]] void fail_not_yet(const Node::Key& key) const;
  /// Of something that follows from a problem named before: nobody is told again.
  [[noreturn]] void fail_reported() const;

  /// Runs `read`. What it throws is kept, if complaints of this file are gathered.
  template <class Read>
  void gather(Read&& read) const {
    if (problems_ == nullptr)
      read();
    else
      problems_->gather(std::forward<Read>(read));
  }
  /// How often something was wrong so far; 0 if complaints are not gathered.
  [[nodiscard]] std::size_t complaints() const {
    return problems_ == nullptr ? 0 : problems_->complaints();
  }

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

  [[nodiscard]] Problem problem_at(int line, int column, std::string_view text) const;
  void refuse_reported() const;

  const std::string* file_;
  const Node* node_;
  std::string where_;
  Problems* problems_;
};

/// A map whose keys are known: an unknown one (naming the nearest) and one for later are wrong.
class Section {
 public:
  /// @throws Error if it is not a map, and where complaints are not gathered for a wrong key
  Section(Field map, std::span<const Key> keys);

  /// A key that is absent or null: empty.
  [[nodiscard]] std::optional<Field> find(std::string_view key) const;
  [[nodiscard]] Field need(std::string_view key) const;

  /// Reads the value of a key, if it is there; what is wrong with it keeps no other key from being
  /// read. @param read called with the Field
  template <class Read>
  void take(std::string_view key, Read read) const {
    map_.gather([&] {
      if (const auto field = find(key)) read(*field);
    });
  }
  template <class Read>
  void take_needed(std::string_view key, Read read) const {
    map_.gather([&] { read(need(key)); });
  }
  /// Whether the key is there, probably, under a wrong name.
  [[nodiscard]] bool misspelt(std::string_view key) const;
  /// Whether nothing has been wrong since the section was begun: what its values mean together is
  /// only asked then.
  [[nodiscard]] bool sound() const { return map_.complaints() == complaints_before_; }
  template <class Check>
  void check(Check check) const {
    if (sound()) map_.gather(check);
  }

  [[nodiscard]] const Field& field() const { return map_; }
  [[noreturn]] void fail(std::string_view problem) const { map_.fail(problem); }

 private:
  [[nodiscard]] Field child(std::string_view key, const Node& node) const;
  void refuse(const Node::Key& key, std::span<const std::string_view> allowed);

  Field map_;
  std::size_t complaints_before_;
  std::vector<std::string> misspelt_;
};

/// "reader 'slow'" if the map has such a text under `key`, else as it is called already.
[[nodiscard]] Field called_by(const Field& map, std::string_view noun, std::string_view key);

/// What an error says of a word of the format that this version does not run.
[[nodiscard]] std::string not_yet(std::string_view word);

}  // namespace daohil::hil::plan
