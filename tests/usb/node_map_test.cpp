#include "drivers/genicam/node_map.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/drivers/support/expect_error.hpp"

namespace daohil::drivers::genicam {
namespace {

using drivers::test::expect_error;

// Bytes at addresses, all zero at first.
class Memory final : public Port {
 public:
  void read(std::uint64_t address, std::span<std::byte> into) override {
    for (std::byte& byte : into) byte = bytes[address++];
  }
  void write(std::uint64_t address, std::span<const std::byte> from) override {
    for (const std::byte byte : from) bytes[address++] = byte;
  }
  void set(std::uint64_t address, std::initializer_list<unsigned> values) {
    for (const unsigned value : values) bytes[address++] = static_cast<std::byte>(value);
  }
  [[nodiscard]] std::vector<unsigned> at(std::uint64_t address, std::size_t count) {
    std::vector<unsigned> values;
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(std::to_integer<unsigned>(bytes[address + i]));
    return values;
  }

  std::map<std::uint64_t, std::byte> bytes;
};

class Nodes : public ::testing::Test {
 protected:
  NodeMap map(const std::string& nodes) {
    return {"camera x", "<RegisterDescription>" + nodes + "</RegisterDescription>", memory};
  }
  static std::string reg(const std::string& kind, const std::string& name, const std::string& where,
                         unsigned length, const std::string& more = "") {
    return "<" + kind + " Name='" + name + "'>" + where + "<Length>" + std::to_string(length) +
           "</Length><AccessMode>RW</AccessMode><pPort>Device</pPort>" + more + "</" + kind + ">";
  }
  static std::string at(const std::string& address) { return "<Address>" + address + "</Address>"; }

  Memory memory;
};

constexpr const char* kLittle = "<Endianess>LittleEndian</Endianess>";
constexpr const char* kBig = "<Endianess>BigEndian</Endianess>";

TEST_F(Nodes, IntegersInBothByteOrdersAndWithSign) {
  memory.set(16, {1, 2, 3, 4, 0xFE, 0xFF});
  NodeMap nodes =
      map(reg("IntReg", "L", at("0x10"), 4, kLittle) + reg("IntReg", "B", at("16"), 4, kBig) +
          reg("IntReg", "S", at("20"), 2, std::string(kLittle) + "<Sign>Signed</Sign>"));
  EXPECT_EQ(nodes.integer("L"), 0x04030201);
  EXPECT_EQ(nodes.integer("B"), 0x01020304);
  EXPECT_EQ(nodes.integer("S"), -2);
  nodes.set_integer("B", 0x0A0B0C0D);
  EXPECT_EQ(memory.at(16, 4), (std::vector<unsigned>{10, 11, 12, 13}));
}

TEST_F(Nodes, BitsOfARegisterLeaveTheOthersAlone) {
  memory.set(0, {0xFF, 0x00, 0xFF, 0x00});
  NodeMap nodes = map(
      reg("MaskedIntReg", "Low", at("0"), 4, std::string(kLittle) + "<LSB>4</LSB><MSB>11</MSB>") +
      // Bit 0 of a big-endian register is the highest one.
      reg("MaskedIntReg", "High", at("0"), 4, std::string(kBig) + "<LSB>7</LSB><MSB>0</MSB>") +
      reg("MaskedIntReg", "One", at("0"), 4, std::string(kLittle) + "<Bit>0</Bit>"));
  EXPECT_EQ(nodes.integer("Low"), 0x0F);
  EXPECT_EQ(nodes.integer("High"), 0xFF);
  EXPECT_EQ(nodes.integer("One"), 1);
  nodes.set_integer("Low", 0xA0);
  EXPECT_EQ(memory.at(0, 4), (std::vector<unsigned>{0x0F, 0x0A, 0xFF, 0x00}));
}

TEST_F(Nodes, EntriesOfAStructShareItsRegister) {
  memory.set(8, {0xAB, 0x00});
  NodeMap nodes =
      map("<StructReg Comment='x'>" + at("8") +
          "<Length>2</Length><AccessMode>RW</AccessMode><pPort>Device</pPort>" + kLittle +
          "<StructEntry Name='Lo'><LSB>0</LSB><MSB>3</MSB></StructEntry>"
          "<StructEntry Name='Hi'><LSB>4</LSB><MSB>7</MSB></StructEntry></StructReg>");
  EXPECT_EQ(nodes.integer("Lo"), 0xB);
  EXPECT_EQ(nodes.integer("Hi"), 0xA);
}

TEST_F(Nodes, RealsOfFourAndEightBytes) {
  memory.set(0, {0, 0, 0x20, 0x40});  // 2.5f
  NodeMap nodes =
      map(reg("FloatReg", "F", at("0"), 4, kLittle) + reg("FloatReg", "D", at("8"), 8, kBig));
  EXPECT_EQ(nodes.real("F"), 2.5);
  nodes.set_real("D", 1.0);
  EXPECT_EQ(memory.at(8, 2), (std::vector<unsigned>{0x3F, 0xF0}));
}

TEST_F(Nodes, AddressesAddUp) {
  memory.set(0x125, {9});
  memory.set(0, {0x20, 3});
  NodeMap nodes =
      map(reg("IntReg", "Base", at("0"), 1, kLittle) + reg("IntReg", "Index", at("1"), 1, kLittle) +
          reg("IntReg", "R",
              at("0x100") + "<pAddress>Base</pAddress><IntSwissKnife>"
                            "<Formula>2</Formula></IntSwissKnife>"
                            "<pIndex Offset='1'>Index</pIndex>",
              1, kLittle));
  EXPECT_EQ(nodes.integer("R"), 9);
}

TEST_F(Nodes, ConvertersGoBothWaysAndRound) {
  NodeMap nodes = map(reg("IntReg", "Ticks", at("0"), 4, kLittle) +
                      "<Converter Name='Time'><FormulaTo>FROM * 10</FormulaTo>"
                      "<FormulaFrom>TO / 10.0</FormulaFrom><pValue>Ticks</pValue></Converter>"
                      "<Float Name='ExposureTime'><pValue>Time</pValue><Min>1</Min><Max>1000</Max>"
                      "</Float>");
  nodes.set_real("ExposureTime", 12.3456);
  EXPECT_EQ(nodes.integer("Ticks"), 123);
  EXPECT_DOUBLE_EQ(nodes.real("ExposureTime"), 12.3);
  expect_error([&] { nodes.set_real("ExposureTime", 0.5); }, {"camera x", "ExposureTime", "0.5"});
  expect_error([&] { nodes.set_real("ExposureTime", 2000); }, {"2000", "1000"});
}

TEST_F(Nodes, KnivesUseVariablesConstantsExpressionsAndLimits) {
  memory.set(0, {5});
  NodeMap nodes = map(reg("IntReg", "R", at("0"), 1, kLittle) +
                      "<Integer Name='I'><pValue>R</pValue><Max>40</Max></Integer>"
                      "<IntSwissKnife Name='K'><pVariable Name='V'>I</pVariable>"
                      "<pVariable Name='V.Max'>I</pVariable><Constant Name='C'>100</Constant>"
                      "<Expression Name='SUM'>V + 1</Expression>"
                      "<Formula>C + V.Max + SUM</Formula></IntSwissKnife>");
  EXPECT_EQ(nodes.integer("K"), 146);
  expect_error([&] { nodes.set_integer("K", 1); }, {"K", "only be read"});
}

TEST_F(Nodes, EnumerationsByTheNamesOfTheirEntries) {
  NodeMap nodes = map(reg("IntReg", "R", at("0"), 4, kLittle) +
                      "<Integer Name='No'><Value>0</Value></Integer>"
                      "<Enumeration Name='Mode'><EnumEntry Name='Off'><Value>0</Value></EnumEntry>"
                      "<EnumEntry Name='On'><Value>7</Value></EnumEntry>"
                      "<EnumEntry Name='Never'><pIsImplemented>No</pIsImplemented>"
                      "<Value>9</Value></EnumEntry><pValue>R</pValue></Enumeration>");
  EXPECT_EQ(nodes.text("Mode"), "Off");
  nodes.set_text("Mode", "On");
  EXPECT_EQ(nodes.integer("R"), 7);
  EXPECT_EQ(nodes.entries("Mode"), (std::vector<std::string>{"Off", "On"}));
  expect_error([&] { nodes.set_text("Mode", "Maybe"); }, {"Mode", "Maybe", "Off, On"});
  nodes.set_integer("R", 8);
  expect_error([&] { (void)nodes.text("Mode"); }, {"Mode", "8", "none of its entries"});
}

TEST_F(Nodes, LocksAndAvailabilityFollowTheDevice) {
  NodeMap nodes =
      map(reg("IntReg", "Lock", at("0"), 1, kLittle) + reg("IntReg", "There", at("1"), 1, kLittle) +
          reg("IntReg", "R", at("2"), 1, kLittle) +
          "<Integer Name='Width'><pIsAvailable>There</pIsAvailable>"
          "<pIsLocked>Lock</pIsLocked><pValue>R</pValue></Integer>");
  EXPECT_FALSE(nodes.has("Width"));
  expect_error([&] { nodes.set_integer("Width", 1); }, {"Width", "not available"});
  nodes.set_integer("There", 1);
  EXPECT_TRUE(nodes.is_writable("Width"));
  nodes.set_integer("Lock", 1);
  EXPECT_FALSE(nodes.is_writable("Width"));
  expect_error([&] { nodes.set_integer("Width", 1); }, {"Width", "locked"});
  EXPECT_FALSE(nodes.has("Height"));
  expect_error([&] { (void)nodes.integer("Height"); }, {"Height", "not there"});
}

TEST_F(Nodes, ValuesByIndexAndSelectors) {
  NodeMap nodes =
      map("<Integer Name='Selector'><Value>0</Value></Integer>" +
          reg("IntReg", "A", at("0"), 1, kLittle) + reg("IntReg", "B", at("1"), 1, kLittle) +
          "<Integer Name='I'><pIndex>Selector</pIndex>"
          "<pValueIndexed Index='0'>A</pValueIndexed>"
          "<pValueIndexed Index='1'>B</pValueIndexed></Integer>");
  nodes.set_integer("Selector", 1);
  nodes.set_integer("I", 42);
  EXPECT_EQ(memory.at(0, 2), (std::vector<unsigned>{0, 42}));
  nodes.set_integer("Selector", 2);
  expect_error([&] { (void)nodes.integer("I"); }, {"I", "index 2"});
}

TEST_F(Nodes, CommandsBooleansAndTexts) {
  NodeMap nodes =
      map(reg("IntReg", "R", at("0"), 4, kLittle) + reg("StringReg", "Text", at("16"), 8) +
          "<Command Name='Go'><pValue>R</pValue><CommandValue>5</CommandValue>"
          "</Command><Boolean Name='B'><pValue>R</pValue><OnValue>3</OnValue>"
          "<OffValue>2</OffValue></Boolean>");
  nodes.execute("Go");
  EXPECT_EQ(nodes.integer("R"), 5);
  EXPECT_EQ(nodes.text("B"), "false");
  nodes.set_text("B", "true");
  EXPECT_EQ(nodes.integer("R"), 3);
  nodes.set_text("Text", "hello");
  EXPECT_EQ(nodes.text("Text"), "hello");
  expect_error([&] { nodes.set_text("Text", "123456789"); }, {"Text", "8 characters"});
  expect_error([&] { nodes.execute("B"); }, {"B", "no command"});
}

TEST_F(Nodes, NothingThatADeviceSaysHangsOrCrashes) {
  NodeMap cycle =
      map("<Integer Name='A'><pValue>B</pValue></Integer>"
          "<Integer Name='B'><pValue>A</pValue></Integer>");
  expect_error([&] { (void)cycle.integer("A"); }, {"refers to itself"});
  expect_error([&] { (void)cycle.has("A"); }, {"refers to itself"});
  expect_error([&] { cycle.set_integer("A", 1); }, {"refers to itself"});

  // Each of 40 uses the next one twice: 2^40 computations.
  std::string bomb = "<Integer Name='K40'><Value>1</Value></Integer>";
  for (int i = 0; i < 40; ++i)
    bomb += "<IntSwissKnife Name='K" + std::to_string(i) + "'><pVariable Name='V'>K" +
            std::to_string(i + 1) + "</pVariable><Formula>V + V</Formula></IntSwissKnife>";
  NodeMap exploding = map(bomb);
  expect_error([&] { (void)exploding.integer("K0"); }, {"steps"});

  expect_error([&] { (void)map(reg("IntReg", "R", at("0"), 9)).integer("R"); }, {"9 bytes"});
  expect_error([&] { (void)map("<Integer Name='I'><pValue>X</pValue></Integer>").integer("I"); },
               {"X", "not there"});
  std::string groups;
  for (int i = 0; i < 1000; ++i) groups += "<Group>";
  EXPECT_THROW(map(groups), Error);
  for (int i = 0; i < 1000; ++i) groups += "</Group>";
  expect_error([&] { (void)map(groups); }, {"groups"});
}

TEST_F(Nodes, ChunksAreNotOfTheDevice) {
  NodeMap nodes =
      map("<Port Name='Chunk'><ChunkID>1</ChunkID></Port>"
          "<IntReg Name='R'><Address>0</Address><Length>4</Length>"
          "<pPort>Chunk</pPort></IntReg>");
  expect_error([&] { (void)nodes.integer("R"); }, {"R", "chunk"});
}

}  // namespace
}  // namespace daohil::drivers::genicam
