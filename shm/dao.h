/* DAO's shared-memory interface for C: the names, structures and codes that programs written for
 * the Durham AO library use, on top of dao-hil's core. Sizes and offsets are binary compatible
 * with that library on 64-bit Linux (IMAGE_METADATA 4304 bytes, IMAGE_KEYWORD 120, IMAGE 168).
 *
 * Contract
 *   - Every function returns one of the DAO_ codes; none ends the process. After DAO_ERROR,
 *     daoLastError() says what was wrong, which value, and the way out; it is also logged.
 *   - An IMAGE is used by one thread at a time; distinct IMAGEs are independent, also of one stream.
 *   - One writer per stream: the second is refused while the first lives.
 *   - Pointers to pixels point into shared memory. After use, daoShmCheckSegmentOverwrite() tells
 *     whether the writer came by meanwhile; within depth - 1 frames it does not.
 *   - An IMAGE must be zeroed or opened before any other call is made with it.
 */
#ifndef DAO_H
#define DAO_H

#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DAO_API __attribute__((visibility("default")))
#define DAO_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define DAO_API
#define DAO_PRINTF(text, first)
#endif
#define DLL_EXPORT DAO_API

#define DAO_SUCCESS 0
#define DAO_ERROR 1
#define DAO_TIMEOUT (-1)
#define DAO_OVERWRITE (-2) /* lapped: the newest frame is delivered, frames were skipped */
#define DAO_NOTREADY (-3)  /* nothing new */

#define SHAREDMEMDIR ""       /* a stream's name is its whole path */
#define SEMAPHORE_MAXVAL 1    /* what a semaphore is posted up to */
#define IMAGE_NB_SEMAPHORE 10 /* semaphores of a stream */

#define _DATATYPE_UINT8 1
#define _DATATYPE_INT8 2
#define _DATATYPE_UINT16 3
#define _DATATYPE_INT16 4
#define _DATATYPE_UINT32 5
#define _DATATYPE_INT32 6
#define _DATATYPE_UINT64 7
#define _DATATYPE_INT64 8
#define _DATATYPE_FLOAT 9
#define _DATATYPE_DOUBLE 10
#define _DATATYPE_COMPLEX_FLOAT 11
#define _DATATYPE_COMPLEX_DOUBLE 12

#define SIZEOF_DATATYPE_UINT8 1
#define SIZEOF_DATATYPE_INT8 1
#define SIZEOF_DATATYPE_UINT16 2
#define SIZEOF_DATATYPE_INT16 2
#define SIZEOF_DATATYPE_UINT32 4
#define SIZEOF_DATATYPE_INT32 4
#define SIZEOF_DATATYPE_UINT64 8
#define SIZEOF_DATATYPE_INT64 8
#define SIZEOF_DATATYPE_FLOAT 4
#define SIZEOF_DATATYPE_DOUBLE 8
#define SIZEOF_DATATYPE_COMPLEX_FLOAT 8
#define SIZEOF_DATATYPE_COMPLEX_DOUBLE 16

#define Dtype _DATATYPE_FLOAT
#define CDtype _DATATYPE_COMPLEX_FLOAT

typedef struct {
  float re;
  float im;
} complex_float;

typedef struct {
  double re;
  double im;
} complex_double;

typedef struct {
  int64_t firstlong;  /* stays 0 */
  int64_t secondlong; /* CLOCK_REALTIME in ns since 1970 */
} TIMESPECFIXED;

/* One record of 120 bytes after the pixels. */
typedef struct {
  char name[16];
  char type; /* N unused, L long, D double, S string */
  union {
    int64_t numl;
    double numf;
    char valstr[16];
  } value;
  char comment[80];
} IMAGE_KEYWORD;

/* What every slot of the ring carries; 4304 bytes. */
typedef struct {
  char name[80];    /* full path of the stream */
  uint8_t naxis;    /* 1 .. 3 */
  uint32_t size[3]; /* slowest axis first; unused axes 0 */
  uint64_t nelement;
  uint8_t atype; /* _DATATYPE_ */
  double creation_time;
  double last_access;
  union {
    struct timespec ts;
    TIMESPECFIXED tsfixed;
  } atime;        /* when the frame was committed */
  uint8_t shared; /* 1 */
  uint8_t status;
  uint8_t logflag;
  uint16_t sem;  /* number of semaphores; slot 0 only */
  uint64_t cnt0; /* counter of the frame in this slot, 1 for the first */
  uint64_t cnt1;
  uint64_t cnt2; /* frame id of the device */
  uint8_t write; /* 1 while the slot is being written */
  uint16_t NBkw;
  uint32_t lastPos;
  uint32_t lastNb;
  uint32_t packetNb;
  uint32_t packetTotal;
  uint64_t lastNbArray[512];
  uint32_t fifo_size;         /* depth of the ring; slot 0 only */
  uint32_t fifo_last_written; /* newest slot; slot 0 only */
} IMAGE_METADATA;

/* A handle; local to the process, 168 bytes. */
typedef struct {
  char name[80];
  uint8_t used; /* 1 while open */
  int32_t shmfd;
  uint64_t memsize;
  sem_t *semlog;
  IMAGE_METADATA *md; /* fifo_size entries */
  union {
    void *V;
    uint8_t *UI8;
    int8_t *SI8;
    uint16_t *UI16;
    int16_t *SI16;
    uint32_t *UI32;
    int32_t *SI32;
    uint64_t *UI64;
    int64_t *SI64;
    float *F;
    double *D;
    complex_float *CF;
    complex_double *CD;
  } array; /* pixels of slot 0; the others follow */
  sem_t **semptr;
  IMAGE_KEYWORD *kw;
  pid_t *semReadPID;  /* library's own: do not touch */
  pid_t *semWritePID; /* never set */
  uint32_t fifo_last_read;
  uint64_t fifo_last_read_cnt0;
} IMAGE;

/* ---- create, open, close ------------------------------------------------------------------- */

/* Create a stream of depth 1 / of depth fifo_size and open it. A stream of that name without a
 * living writer is replaced; processes attached to it keep their own. Creating is not writing yet:
 * the first write, by this process or another, makes a process the stream's writer.
 * name: full path, at most 79 bytes; naxis: 1 .. 3; size: naxis entries, slowest axis first;
 * atype: _DATATYPE_; shared: 1, or 0 for an image of this process alone, without file and
 * semaphores; NBkw: 0 .. 65535 keywords; fifo_size: 1 .. 1000000. */
DAO_API int_fast8_t daoShmImageCreate(IMAGE *image, const char *name, long naxis, uint32_t *size,
                                      uint8_t atype, int shared, int NBkw);
DAO_API int_fast8_t daoShmImageCreate_FIFO(IMAGE *image, const char *name, long naxis,
                                           uint32_t *size, uint8_t atype, int shared, int NBkw,
                                           uint32_t fifo_size);

/* Create a float stream of nbVal x 1. *image becomes an array of 10 IMAGEs of which the first is
 * open; close it, then free(*image). *image is NULL on error. */
DAO_API int_fast8_t daoShmInit1D(const char *name, uint32_t nbVal, IMAGE **image);

/* Open an existing stream; its tail is the newest frame. Writing needs permission to write the
 * file. Streams made before the FIFO existed are refused. */
DAO_API int_fast8_t daoShmShm2Img(const char *name, IMAGE *image);

/* Give everything back; the stream stays. Closing a closed IMAGE is DAO_ERROR and harmless. */
DAO_API int_fast8_t daoShmCloseShm(IMAGE *image);

/* Remove a stream and its semaphores: nothing of it is left in /tmp or /dev/shm. Who has it open
 * keeps its memory and is told that it was removed. DAO_ERROR if there is none. Not in the
 * reference. */
DAO_API int_fast8_t daoShmUnlink(const char *name);

/* ---- write --------------------------------------------------------------------------------- */

/* The first write makes this process the stream's one writer, until its last IMAGE of the stream is
 * closed; a second process is refused meanwhile. IMAGEs of one process may write in turn. */

/* Write one frame of nbVal elements and publish it. nbVal may be less than the frame: the rest of
 * the slot keeps what it held; more is refused. */
DAO_API int_fast8_t daoShmImage2Shm(void *im, uint32_t nbVal, IMAGE *image);

/* Write into the slot of the next frame without publishing it: readers see nothing until the next
 * daoShmImagePart2ShmFinalize or daoShmImage2Shm, which publishes that very slot. */
DAO_API int_fast8_t daoShmImage2ShmQuiet(void *im, uint32_t nbVal, IMAGE *image);

/* One packet of the next frame: nbVal elements from element `position` on. packetId: 0 .. 511, noted
 * in the metadata with frameNumber. The slot counts as being written until the frame is finalized. */
DAO_API int_fast8_t daoShmImagePart2Shm(char *im, uint32_t nbVal, IMAGE *image, uint32_t position,
                                        uint16_t packetId, uint16_t packetTotal,
                                        uint64_t frameNumber);

/* Publish the slot of the next frame as it is: after packets, after a quiet write, or, at depth 1,
 * after the caller has stored into image->array itself. */
DAO_API int_fast8_t daoShmImagePart2ShmFinalize(IMAGE *image);

/* Depth 1: count one frame more and stamp it, for callers that store into image->array themselves.
 * Deeper: stamp the newest frame anew. */
DAO_API int_fast8_t daoShmTimestampShm(IMAGE *image);

/* Write the sum of the newest frames of nbChannel (1 .. 1024) streams, element by element, the first
 * nbVal of them, and publish it. All streams are of the type of `image`; integers wrap. */
DAO_API int_fast8_t daoShmCombineShm2Shm(IMAGE **imageCube, IMAGE *image, int nbChannel, int nbVal);

/* ---- read ---------------------------------------------------------------------------------- */

/* Newest frame: DAO_SUCCESS. The tail stays. Each of segment, index, counter may be NULL. */
DAO_API int_fast8_t daoShmGetNewestSegment(IMAGE *image, void **segment, uint32_t *index,
                                           uint64_t *counter);

/* The frame after the one read last: DAO_SUCCESS; DAO_OVERWRITE with the newest frame if it was
 * lapped; DAO_NOTREADY, outputs untouched, if there is nothing new. */
DAO_API int_fast8_t daoShmGetNextSegment(IMAGE *image, void **segment, uint32_t *index,
                                         uint64_t *counter);

/* Slot index modulo depth, whatever it holds. */
DAO_API int_fast8_t daoShmGetArbitrarySegment(IMAGE *image, void **segment, uint_fast32_t index);

/* Is the frame returned last, by whichever read, still whole? DAO_SUCCESS or DAO_OVERWRITE. */
DAO_API int_fast8_t daoShmCheckSegmentOverwrite(IMAGE *image);

/* Move the tail to the newest frame and say which that is. */
DAO_API int_fast8_t daoShmResetTail(IMAGE *image, uint32_t *index, uint64_t *counter);

/* Counter of the newest frame; 0 on an IMAGE that is not open. */
DAO_API uint64_t daoShmGetCounter(IMAGE *image);

/* ---- wait ---------------------------------------------------------------------------------- */

/* None of these waits for ever on a dead writer. DAO_ERROR, with the reason in daoLastError(), when
 * the stream has been replaced or removed, or when its writer has gone and nobody takes over for so
 * many seconds. Default: 1; negative: wait for ever. Not in the reference. Waited for are the writer
 * of a stream that holds its first frame at most, and one of the reference library, which cannot be
 * watched. */
DAO_API void daoSetPatience(double seconds);

/* Until there is a frame after the one read last; then call daoShmGetNextSegment. */
DAO_API int_fast8_t daoShmWaitForNextSegment(IMAGE *image);
/* Until a frame newer than the newest at the call exists. */
DAO_API int_fast8_t daoShmWaitForCounter(IMAGE *image);
/* Until the newest counter is at least `counter`. */
DAO_API int_fast8_t daoShmWaitForTargetCounter(IMAGE *image, uint64_t counter);
/* Until semaphore 0 .. 9 is posted. Not for two readers at once: a post wakes one of them. */
DAO_API int_fast8_t daoShmWaitForSemaphore(IMAGE *image, int32_t semNb);
/* The same, with an absolute time on CLOCK_REALTIME; DAO_TIMEOUT when it has passed. */
DAO_API int_fast8_t daoShmWaitForSemaphoreTimeout(IMAGE *image, int32_t semNb,
                                                  const struct timespec *timeout);

/* ---- semaphores ---------------------------------------------------------------------------- */

/* Make sure that the stream's semaphores exist, of which the first NBsem (1 .. 10) are in use; both
 * names mean the same. Creating a stream does it with 10. */
DAO_API int_fast8_t daoShmImageCreateSem(IMAGE *image, long NBsem);
DAO_API int_fast8_t daoImageCreateSem(IMAGE *image, long NBsem);

/* Post semaphore 0 .. 9 / all of them / the logger's, each up to 1. Publishing a frame does it. */
DAO_API int_fast8_t daoSemPost(IMAGE *image, int32_t semNb);
DAO_API int_fast8_t daoSemPostAll(IMAGE *image);
DAO_API int_fast8_t daoSemLogPost(IMAGE *image);

/* ---- messages ------------------------------------------------------------------------------ */

/* What the last DAO_ERROR of this thread was about; "" if there was none. Not in the reference. */
DAO_API const char *daoLastError(void);

/* "2026-11-24_23:05:59:123456", local time with microseconds; valid until the thread's next call. */
DAO_API char *daoBaseGetTimeStamp(void);

/* "10.0.0.1" as a number, the first byte the highest; 1 (DAO_ERROR) when it is none. */
DAO_API unsigned daoBaseIp2Int(const char *ip);

/* Functions that log to standard output, up to a level of their own. */
#define LOG_LEVEL_ERROR 0
#define LOG_LEVEL_WARNING 1
#define LOG_LEVEL_INFO 2
#define LOG_LEVEL_DEBUG 3
#define LOG_LEVEL_TRACE 4
#define DEFAULT_LOG_LEVEL LOG_LEVEL_INFO

DAO_API void daoLog(int log_level, const char *format, ...) DAO_PRINTF(2, 3);
DAO_API void daoLogError(const char *format, ...) DAO_PRINTF(1, 2);
DAO_API void daoLogPrint(const char *format, ...) DAO_PRINTF(1, 2);
DAO_API void daoLogWarning(const char *format, ...) DAO_PRINTF(1, 2);
DAO_API void daoLogInfo(const char *format, ...) DAO_PRINTF(1, 2);
DAO_API void daoLogDebug(const char *format, ...) DAO_PRINTF(1, 2);
DAO_API void daoLogTrace(const char *format, ...) DAO_PRINTF(1, 2);
DAO_API void daoLogSetLevel(int log_level);

/* Macros that log with the place they stand at, up to daoLogLevel: errors to standard error and at
 * every level, the others to standard output. The library's own errors are printed unless the level
 * is negative. */
#define DAO_WARNING 0
#define DAO_INFO 1
#define DAO_DEBUG 2
#define DAO_TRACE 3

extern DAO_API int daoLogLevel; /* DAO_INFO at the start */
DAO_API void daoSetLogLevel(int logLevel);
DAO_API int daoGetLogLevel(void);

#define ANSI_COLOR_RED "\x1b[31m"
#define ANSI_COLOR_ORANGE "\x1b[38;5;208m"
#define ANSI_COLOR_GREEN "\x1b[32m"
#define ANSI_COLOR_YELLOW "\x1b[33m"
#define ANSI_COLOR_BLUE "\x1b[34m"
#define ANSI_COLOR_RESET "\x1b[0m"

#define __FILENAME__ \
  (__builtin_strrchr(__FILE__, '/') ? __builtin_strrchr(__FILE__, '/') + 1 : __FILE__)

#define DAO_LOG_TO(stream, color, tag, fmt, ...)                                                 \
  fprintf(stream,                                                                                \
          ANSI_COLOR_BLUE "%s " ANSI_COLOR_RESET color tag ANSI_COLOR_RESET " %s:%s:%d: " fmt,   \
          daoBaseGetTimeStamp(), __FILENAME__, __func__, __LINE__, ##__VA_ARGS__)
#define DAO_LOG_FROM(level, color, tag, fmt, ...)                                                \
  do {                                                                                           \
    if (daoLogLevel >= (level)) DAO_LOG_TO(stdout, color, tag, fmt, ##__VA_ARGS__);              \
  } while (0)

#define daoError(fmt, ...) DAO_LOG_TO(stderr, ANSI_COLOR_RED, "[error]", fmt, ##__VA_ARGS__)
#define daoPrint(fmt, ...)                                                                       \
  do {                                                                                           \
    fprintf(stdout, "%s:%d: " fmt, __func__, __LINE__, ##__VA_ARGS__);                           \
  } while (0)
#define daoWarning(fmt, ...) \
  DAO_LOG_FROM(DAO_WARNING, ANSI_COLOR_ORANGE, "[warning]", fmt, ##__VA_ARGS__)
#define daoInfo(fmt, ...) DAO_LOG_FROM(DAO_INFO, ANSI_COLOR_GREEN, "[info]", fmt, ##__VA_ARGS__)
#define daoDebug(fmt, ...) \
  DAO_LOG_FROM(DAO_DEBUG, ANSI_COLOR_YELLOW, "[debug]", fmt, ##__VA_ARGS__)
#define daoTrace(fmt, ...) DAO_LOG_FROM(DAO_TRACE, "", "[trace]", fmt, ##__VA_ARGS__)

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
