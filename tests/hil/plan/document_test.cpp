#include "hil/plan/document.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "files.hpp"

namespace daohil::hil::plan {
namespace {

std::string complaint(std::string_view text) {
  try {
    static_cast<void>(parse_document("f.yaml", text));
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(Document, KnowsKindsLinesAndQuotes) {
  const auto root = parse_document("f.yaml", "a: 1\nb:\n  - x\n  - \"0660\"\nc: {d: ~}\n").root;
  EXPECT_EQ(root.find("a")->line, 1);
  EXPECT_EQ(root.find("a")->quoting, Quoting::plain);
  EXPECT_EQ(root.find("b")->items.at(1).line, 4);
  EXPECT_EQ(root.find("b")->items.at(1).quoting, Quoting::quoted);
  EXPECT_EQ(root.find("c")->find("d"), nullptr);  // null is absent
  EXPECT_EQ(root.find("e"), nullptr);
}

TEST(Document, RepeatedKeys) {
  EXPECT_EQ(complaint("a: 1\nb: 2\na: 3\n"),
            "f.yaml:3: key 'a' is already in line 1; keep one of the two");
  EXPECT_EQ(complaint("x:\n  {a: 1, a: 1}\n"),
            "f.yaml:2: key 'a' is already in line 2; keep one of the two");
}

TEST(Document, WhatIsNoMap) {
  EXPECT_EQ(complaint(""), "f.yaml:1: is empty; begin with apiVersion: hil/v1");
  EXPECT_EQ(complaint("\n# only a comment\n"), "f.yaml:1: is empty; begin with apiVersion: hil/v1");
  EXPECT_EQ(complaint("- a\n"), "f.yaml:1: is not a map of keys; begin with apiVersion: hil/v1");
  EXPECT_EQ(complaint("a: 1\n---\nb: 2\n"),
            "f.yaml:2: a second YAML document begins; one file holds one document");
}

TEST(Document, MalformedNamesTheLineAndAWayOut) {
  const auto bracket = complaint("a: 1\nb: [1, 2\nc: 3\n");
  EXPECT_EQ(bracket.rfind("f.yaml:", 0), 0U) << bracket;
  EXPECT_NE(bracket.find("not valid YAML"), std::string::npos) << bracket;
  const auto tab = complaint("a:\n\tb: 1\n");
  EXPECT_NE(tab.find("spaces, not tabs"), std::string::npos) << tab;
  const auto variable = complaint("a: {rho: ${rho}}\n");
  EXPECT_NE(variable.find("needs quotes: \"${N}\""), std::string::npos) << variable;
}

TEST(Document, AnchorsTagsAndComplexKeys) {
  const auto bomb = complaint("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n");
  EXPECT_EQ(bomb.rfind("f.yaml:1: anchors (&) and aliases (*) are not part of hil/v1", 0), 0U)
      << bomb;
  EXPECT_NE(complaint("a: !!python/object x\n").find("tag"), std::string::npos);
  EXPECT_NE(complaint("? [a, b]\n: 1\n").find("a key is a list or a map"), std::string::npos);
  EXPECT_NE(complaint(": 1\n").find("a key is missing"), std::string::npos);
}

TEST(Document, BinaryIsNotText) {
  using namespace std::string_literals;
  EXPECT_EQ(complaint("a: 1\nb: \0"s), "f.yaml:2: byte 0x00 at offset 8: not a text file in UTF-8");
  EXPECT_NE(complaint("a: \x04 1"), "");        // the scanner would take it for the end of the file
  EXPECT_NE(complaint("a: \xff\xfe"), "");      // no UTF-8 begins so
  EXPECT_NE(complaint("a: \xc0\xaf"), "");      // overlong
  EXPECT_NE(complaint("a: \xed\xa0\x80"), "");  // surrogate
  EXPECT_NE(complaint("a: \xe2\x82"), "");      // cut
  EXPECT_EQ(complaint("\xef\xbb\xbf"
                      "a: \xe2\x82\xac\r\n"),
            "");
}

TEST(Document, HostileSizesEndSoon) {
  const auto start = std::chrono::steady_clock::now();
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  EXPECT_EQ(complaint("a: " + repeated("[", 40) + repeated("]", 40)),
            "f.yaml:1: nested deeper than 32 levels");
  EXPECT_NE(complaint(repeated("[", kMiB)), "");
  EXPECT_NE(complaint(repeated("{", kMiB)), "");
  EXPECT_NE(complaint(repeated("- ", kMiB / 2)).find("deeper than 32 levels"), std::string::npos);
  EXPECT_NE(complaint(repeated("? ", kMiB / 2)), "");
  EXPECT_NE(complaint(repeated("{a: ", kMiB / 4)), "");
  EXPECT_NE(complaint(repeated("a: ", kMiB / 3)), "");
  EXPECT_NE(complaint(repeated("&a ", kMiB / 3)), "");
  EXPECT_NE(complaint(repeated("*a ", kMiB / 3)), "");
  EXPECT_NE(complaint(repeated("!a ", kMiB / 3)), "");
  EXPECT_NE(complaint(repeated("%Y a\n", kMiB / 5)), "");
  EXPECT_NE(complaint(repeated("a\n", kMiB / 2)), "");
  EXPECT_NE(complaint("'" + repeated("a\n", kMiB / 2 - 1)), "");
  EXPECT_NE(complaint("a: |\n" + repeated(" ", kMiB - 8) + "\n-"), "");
  EXPECT_NE(complaint(repeated(" ", kMiB)), "");
  EXPECT_NE(complaint(repeated("#", kMiB)), "");
  EXPECT_NE(complaint(repeated("---\n", kMiB / 4)), "");
  EXPECT_NE(complaint(repeated("a", kMiB + 1)).find("larger than 1 MiB"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Document, ManyKeysEndSoon) {
  std::string text;
  for (int i = 0; text.size() < (1U << 20) - 20; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_NE(complaint(text).find("more than"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

class DocumentFile : public test::Files {
 protected:
  [[nodiscard]] std::string complaint_of(const std::filesystem::path& file) const {
    try {
      static_cast<void>(load_document(file));
    } catch (const Error& e) {
      return without_folder(e.what());
    }
    return {};
  }
};

TEST_F(DocumentFile, WhatCannotBeRead) {
  EXPECT_EQ(complaint_of(folder_ / "none.yaml"), "none.yaml:1: no such file; check the path");
  EXPECT_EQ(complaint_of(folder_ / "benches"), "benches:1: is a folder, not a file");
  EXPECT_EQ(complaint_of("/dev/zero"), "/dev/zero:1: is not a regular file");
  EXPECT_EQ(complaint_of(write("big.yaml", std::string((1U << 20) + 1, 'a'))),
            "big.yaml:1: is larger than 1 MiB; this is no scenario or bench");
}

TEST(ToYaml, ReadsBackTheSame) {
  const std::string text =
      "a: \"0660\"\nb: true\nc: \"true\"\nd: \"\"\ne: 'it''s: #1'\nf: \"${N}\"\ng: [1, \"2\", x]\n"
      "h: {k: \"a\\nb\", l: []}\ni: ~\nj: \"~\"\nk: 1.50\nl: 20.5ms\nm: {}\n\"n o\": \"\\u20ac\"\n";
  const auto first = parse_document("f.yaml", text).root;
  const auto second = parse_document("f.yaml", to_yaml(first)).root;
  const auto same = [](const auto& self, const Node& a, const Node& b) -> void {
    EXPECT_EQ(a.kind, b.kind) << a.text;
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.quoting, b.quoting) << a.text;
    ASSERT_EQ(a.items.size(), b.items.size());
    ASSERT_EQ(a.keys.size(), b.keys.size());
    for (std::size_t i = 0; i < a.keys.size(); ++i) EXPECT_EQ(a.keys[i].name, b.keys[i].name);
    for (std::size_t i = 0; i < a.items.size(); ++i) self(self, a.items[i], b.items[i]);
  };
  same(same, first, second);
}

}  // namespace
}  // namespace daohil::hil::plan
