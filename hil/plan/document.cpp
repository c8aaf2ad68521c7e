#include "hil/plan/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "hil/plan/problem.hpp"
#include "hil/plan/show.hpp"
#include "hil/plan/text_file.hpp"

namespace daohil::hil::plan {
namespace {

// The parser recurses once a level: the limits keep a hostile file from costing stack or minutes.
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxKeys = 1000;  // each new key is compared with all before it

int line_of(const YAML::Mark& mark) { return mark.is_null() ? 1 : mark.line + 1; }
int column_of(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.column + 1; }

[[noreturn]] void fail(const std::string& file, const YAML::Mark& mark,
                       const std::string& problem) {
  throw Error(
      Problem{.file = file, .line = line_of(mark), .column = column_of(mark), .text = problem});
}

[[noreturn]] void fail(const std::string& file, int line, const std::string& problem) {
  throw Error(Problem{.file = file, .line = line, .text = problem});
}

// Builds the tree from the parser's events rather than from YAML::Node, which forgets the lines
// of keys, merges repeated ones without a word and expands aliases.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  [[nodiscard]] const std::optional<Node>& root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) fail(file_, mark, "a second YAML document begins; one file holds one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (key_comes()) fail(file_, mark, "a key is missing before ':'");
    add(leaf(NodeKind::null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (key_comes()) return take_key(mark, value);
    Node node = leaf(NodeKind::scalar, mark);
    node.text = value;
    node.quoting = tag == "!" ? Quoting::quoted : Quoting::plain;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(NodeKind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(NodeKind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  static Node leaf(NodeKind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.line = line_of(mark);
    node.column = column_of(mark);
    return node;
  }

  // In a map that has a name for each of its values, the next node is a name.
  [[nodiscard]] bool key_comes() const {
    return !open_.empty() && open_.back().kind == NodeKind::map &&
           open_.back().keys.size() == open_.back().items.size();
  }

  void take_key(const YAML::Mark& mark, const std::string& name) {
    auto& keys = open_.back().keys;
    const auto first = std::find_if(keys.begin(), keys.end(),
                                    [&](const Node::Key& key) { return key.name == name; });
    if (first != keys.end())
      fail(file_, mark,
           fmt::format("key {} is already in line {}; keep one of the two", show(name),
                       first->line));
    if (keys.size() >= kMaxKeys)
      fail(file_, mark, fmt::format("more than {} keys in one map", kMaxKeys));
    keys.push_back({name, line_of(mark), column_of(mark)});
  }

  void open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (key_comes()) fail(file_, mark, "a key is a list or a map; keys are plain words");
    if (open_.size() >= kMaxDepth)
      fail(file_, mark, fmt::format("nested deeper than {} levels", kMaxDepth));
    open_.push_back(leaf(kind, mark));
  }

  void close() {
    Node done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
  }

  void add(Node node) {
    if (open_.empty())
      root_ = std::move(node);
    else
      open_.back().items.push_back(std::move(node));
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor)
      fail(file_, mark,
           "anchors (&) and aliases (*) are not part of hil/v1; write the value out or make it a "
           "matrix variable");
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!")
      fail(file_, mark, fmt::format("tag {} is not part of hil/v1; remove it", show(tag)));
  }

  const std::string& file_;
  std::vector<Node> open_;
  std::optional<Node> root_;
};

std::string line_text(std::string_view text, int line) {
  for (; line > 1; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return std::string(text.substr(0, text.find('\n')));
}

std::string way_out(std::string_view text, int line) {
  const auto at = line_text(text, line);
  if (at.find("${") != std::string::npos)
    return "; inside { } and [ ] a variable needs quotes: \"${N}\"";
  if (at.find('\t') != std::string::npos) return "; YAML is indented with spaces, not tabs";
  return "; check indentation, quotes and brackets";
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size() && i < items.size(); ++i)
    if (keys[i].name == key) return items[i].kind == NodeKind::null ? nullptr : &items[i];
  return nullptr;
}

void Node::set(std::string_view key, Node value) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].name == key) {
      items[i] = std::move(value);
      return;
    }
  }
  keys.push_back({std::string(key)});
  items.push_back(std::move(value));
}

void Node::erase(std::string_view key) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].name != key) continue;
    keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(i));
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

Node Node::scalar(std::string text, Quoting quoting) {
  Node node;
  node.kind = NodeKind::scalar;
  node.text = std::move(text);
  node.quoting = quoting;
  return node;
}

Node Node::list(std::vector<Node> items) {
  Node node;
  node.kind = NodeKind::list;
  node.items = std::move(items);
  return node;
}

Node Node::map() {
  Node node;
  node.kind = NodeKind::map;
  return node;
}

Document load_document(const std::filesystem::path& path) {
  return parse_document(path.string(), read_text(path));
}

Document parse_document(const std::string& file, std::string_view text) {
  check_text(file, text);
  TreeBuilder tree(file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(tree)) {
    }
  } catch (const YAML::Exception& e) {
    fail(file, e.mark, fmt::format("not valid YAML: {}{}", e.msg, way_out(text, line_of(e.mark))));
  }
  if (!tree.root() || tree.root()->kind == NodeKind::null)
    fail(file, 1, "is empty; begin with apiVersion: hil/v1");
  if (tree.root()->kind != NodeKind::map)
    fail(file, tree.root()->line, "is not a map of keys; begin with apiVersion: hil/v1");
  return {file, *tree.root()};
}

namespace {

// A short collection of scalars reads best on one line, as people write it.
bool fits_one_line(const Node& node) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const auto kind = node.items[i].kind;
    if (kind == NodeKind::list || kind == NodeKind::map) return false;
    length += node.items[i].text.size() + 4 + (i < node.keys.size() ? node.keys[i].name.size() : 0);
  }
  return length < 90;
}

enum class Level { top, inner };

void emit(YAML::Emitter& out, const Node& node, Level level) {
  const bool flow = level == Level::inner && fits_one_line(node);
  switch (node.kind) {
    case NodeKind::null:
      out << YAML::Null;
      return;
    case NodeKind::scalar:
      if (node.quoting == Quoting::quoted) out << YAML::DoubleQuoted;
      out << node.text;
      return;
    case NodeKind::list:
      out << (flow ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
      for (const auto& item : node.items) emit(out, item, Level::inner);
      out << YAML::EndSeq;
      return;
    case NodeKind::map:
      out << (flow ? YAML::Flow : YAML::Block) << YAML::BeginMap;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        out << YAML::Key << node.keys[i].name << YAML::Value;
        emit(out, node.items[i], Level::inner);
      }
      out << YAML::EndMap;
      return;
  }
}

}  // namespace

std::string to_yaml(const Node& node) {
  YAML::Emitter out;
  emit(out, node, Level::top);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace daohil::hil::plan
