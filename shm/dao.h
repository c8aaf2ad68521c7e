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
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DAO_API __attribute__((visibility("default")))
#else
#define DAO_API
#endif

#define DAO_SUCCESS 0
#define DAO_ERROR 1
#define DAO_TIMEOUT (-1)
#define DAO_OVERWRITE (-2) /* lapped: the newest frame is delivered, frames were skipped */
#define DAO_NOTREADY (-3)  /* nothing new */

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

/* Create a stream of depth 1 / of depth fifo_size and open it for writing. A stream of that name
 * without a living writer is replaced; processes attached to it keep their own.
 * name: full path, at most 79 bytes; naxis: 1 .. 3; size: naxis entries, slowest axis first;
 * atype: _DATATYPE_; shared: 1 (process-private images, 0, are not offered yet); NBkw: 0 .. 65535
 * keywords; fifo_size: 1 .. 1000000. */
DAO_API int_fast8_t daoShmImageCreate(IMAGE *image, const char *name, long naxis, uint32_t *size,
                                      uint8_t atype, int shared, int NBkw);
DAO_API int_fast8_t daoShmImageCreate_FIFO(IMAGE *image, const char *name, long naxis,
                                           uint32_t *size, uint8_t atype, int shared, int NBkw,
                                           uint32_t fifo_size);

/* Open an existing stream; its tail is the newest frame. Writing needs permission to write the
 * file. Streams made before the FIFO existed are refused. */
DAO_API int_fast8_t daoShmShm2Img(const char *name, IMAGE *image);

/* Give everything back; the stream stays. Closing a closed IMAGE is DAO_ERROR and harmless. */
DAO_API int_fast8_t daoShmCloseShm(IMAGE *image);

/* ---- write --------------------------------------------------------------------------------- */

/* Write one frame of nbVal elements and publish it. nbVal may be less than the frame: the rest of
 * the slot keeps what it held; more is refused. */
DAO_API int_fast8_t daoShmImage2Shm(void *im, uint32_t nbVal, IMAGE *image);

/* ---- read ---------------------------------------------------------------------------------- */

/* Newest frame: DAO_SUCCESS. The tail stays. Each of segment, index, counter may be NULL. */
DAO_API int_fast8_t daoShmGetNewestSegment(IMAGE *image, void **segment, uint32_t *index,
                                           uint64_t *counter);

/* The frame after the one read last: DAO_SUCCESS; DAO_OVERWRITE with the newest frame if it was
 * lapped; DAO_NOTREADY, outputs untouched, if there is nothing new. */
DAO_API int_fast8_t daoShmGetNextSegment(IMAGE *image, void **segment, uint32_t *index,
                                         uint64_t *counter);

/* As daoShmGetNextSegment, after waiting for it without limit. */
DAO_API int_fast8_t daoShmWaitForNextSegment(IMAGE *image, void **segment, uint32_t *index,
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

/* Until a frame newer than the newest at the call exists. */
DAO_API int_fast8_t daoShmWaitForCounter(IMAGE *image);
/* Until the newest counter is at least `counter`. */
DAO_API int_fast8_t daoShmWaitForTargetCounter(IMAGE *image, uint64_t counter);
/* Until semaphore 0 .. 9 is posted. Not for two readers at once: a post wakes one of them. */
DAO_API int_fast8_t daoShmWaitForSemaphore(IMAGE *image, int32_t semNb);
/* The same, with an absolute time on CLOCK_REALTIME; DAO_TIMEOUT when it has passed. */
DAO_API int_fast8_t daoShmWaitForSemaphoreTimeout(IMAGE *image, int32_t semNb,
                                                  const struct timespec *timeout);

/* ---- messages ------------------------------------------------------------------------------ */

/* What the last DAO_ERROR of this thread was about; "" if there was none. Not in the reference. */
DAO_API const char *daoLastError(void);

/* Errors go to standard error from this level on: 0 nothing, 1 errors (default). */
DAO_API void daoSetLogLevel(int logLevel);
DAO_API int daoGetLogLevel(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
