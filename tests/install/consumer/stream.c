/* stream.cpp with DAO's C names. */

#include <dao.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { kRows = 3, kColumns = 5, kU16 = 3, kDepth = 4 };

int main(int argc, char** argv) {
  if (argc != 2) return 2;

  IMAGE writer;
  IMAGE reader;
  memset(&writer, 0, sizeof writer);
  memset(&reader, 0, sizeof reader);
  uint32_t size[2] = {kRows, kColumns};
  if (daoShmImageCreate_FIFO(&writer, argv[1], 2, size, kU16, 1, 0, kDepth) != DAO_SUCCESS)
    return 1;
  if (daoShmShm2Img(argv[1], &reader) != DAO_SUCCESS) return 1;

  uint16_t sent[kRows * kColumns];
  for (int i = 0; i < kRows * kColumns; ++i) sent[i] = (uint16_t)(100 + i);
  if (daoShmImage2Shm(sent, kRows * kColumns, &writer) != DAO_SUCCESS) return 1;

  void* got = NULL;
  uint32_t slot = 0;
  uint64_t counter = 0;
  if (daoShmGetNextSegment(&reader, &got, &slot, &counter) != DAO_SUCCESS) return 1;
  int good = counter == 1 && memcmp(got, sent, sizeof sent) == 0;

  daoShmCloseShm(&reader);
  daoShmCloseShm(&writer);
  puts(good ? "frame received" : "another frame received than sent");
  return good ? 0 : 1;
}
