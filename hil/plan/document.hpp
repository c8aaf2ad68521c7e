#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace daohil::hil::plan {

enum class NodeKind { null, scalar, list, map };
enum class Quoting { plain, quoted };

/// One YAML value and the line it stands in. Plain data: copies are independent, so that a case
/// can be substituted without touching its scenario.
struct Node {
  struct Key {
    std::string name;
    int line = 0;
    int column = 0;
  };

  NodeKind kind = NodeKind::null;
  int line = 0;                      ///< 1-based; 0: not from a file
  int column = 0;                    ///< 1-based; 0: not known
  std::string text;                  ///< of a scalar, unescaped
  Quoting quoting = Quoting::plain;  ///< "0660" is text, 8 is a number
  /// What stands here is not known, because of a problem that was reported already.
  bool reported = false;
  std::vector<Key> keys;    ///< of a map; keys[i] names items[i]
  std::vector<Node> items;  ///< of a list or map

  /// The value of a key of a map; nullptr when it has none or the value is null.
  [[nodiscard]] const Node* find(std::string_view key) const;
  /// Replaces the value of a key, or appends the key.
  void set(std::string_view key, Node value);
  /// Removes a key with its value, if it is there.
  void erase(std::string_view key);

  static Node scalar(std::string text, Quoting quoting = Quoting::plain);
  static Node list(std::vector<Node> items);
  static Node map();
};

/// A file as a tree. The part of YAML that files of this project use: one document, no anchors,
/// no tags, no repeated keys, at most 32 levels, 1 MiB, UTF-8.
struct Document {
  std::string file;  ///< as in messages
  Node root;         ///< a map
};

/// @throws Error when it is missing, unreadable, not text, too large, or not YAML as above
Document load_document(const std::filesystem::path& file);
/// The same from memory; `file` is the name for messages.
Document parse_document(const std::string& file, std::string_view text);

/// YAML text that parse_document reads back to the same tree, lines aside.
std::string to_yaml(const Node& node);

}  // namespace daohil::hil::plan
