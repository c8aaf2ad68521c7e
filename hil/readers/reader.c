/* A reader of the bench in C, with nothing but DAO's interface: dao.h and libdao.so. It does what
 * its plan says and reports every call; README.md has the protocol. Read it as an example of how to
 * write one.
 *
 * Exit: 0 done, 1 the stream or the plan failed it, 2 the plan asks for what DAO's interface
 * cannot.
 */
#define _GNU_SOURCE
#include <dao.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define SLICE (SECOND / 20) /* a sleep or a wait is cut into such pieces, to see the end soon */
#define SPIN (SECOND / 10000)
#define SHORTEST_POLL 1000

static _Noreturn void give_up(int code, const char* what, const char* which) {
  fprintf(stderr, "%s: %s %s\n", getenv("HIL_READER") ? getenv("HIL_READER") : "reader", what,
          which);
  exit(code);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
}

/* ---- CRC-32C ------------------------------------------------------------------------------- */

static uint32_t crc_table[8][256];

static void make_crc_table(void) {
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
    crc_table[0][byte] = crc;
  }
  for (int k = 1; k < 8; ++k)
    for (int byte = 0; byte < 256; ++byte) {
      const uint32_t crc = crc_table[k - 1][byte];
      crc_table[k][byte] = (crc >> 8) ^ crc_table[0][crc & 0xFF];
    }
}

static uint32_t crc_by_table(uint32_t crc, const unsigned char* data, size_t n) {
  for (; n >= 8; data += 8, n -= 8) {
    uint32_t low, high;
    memcpy(&low, data, 4);
    memcpy(&high, data + 4, 4);
    low ^= crc;
    crc = crc_table[7][low & 0xFF] ^ crc_table[6][low >> 8 & 0xFF] ^
          crc_table[5][low >> 16 & 0xFF] ^ crc_table[4][low >> 24] ^ crc_table[3][high & 0xFF] ^
          crc_table[2][high >> 8 & 0xFF] ^ crc_table[1][high >> 16 & 0xFF] ^
          crc_table[0][high >> 24];
  }
  for (; n > 0; ++data, --n) crc = (crc >> 8) ^ crc_table[0][(crc ^ *data) & 0xFF];
  return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_cpu(uint32_t crc,
                                                             const unsigned char* data, size_t n) {
  for (; n >= 8; data += 8, n -= 8) {
    uint64_t eight;
    memcpy(&eight, data, 8);
    crc = (uint32_t)__builtin_ia32_crc32di(crc, eight);
  }
  for (; n > 0; ++data, --n) crc = __builtin_ia32_crc32qi(crc, *data);
  return crc;
}
static bool cpu_has_crc(void) { return __builtin_cpu_supports("sse4.2"); }
#else
#define crc_by_cpu crc_by_table
static bool cpu_has_crc(void) { return false; }
#endif

static uint32_t crc32c(const void* data, size_t n) {
  const uint32_t crc = cpu_has_crc() ? crc_by_cpu(~0u, data, n) : crc_by_table(~0u, data, n);
  return ~crc;
}

/* ---- the plan ------------------------------------------------------------------------------ */

enum mode { NEXT, NEWEST, ARBITRARY, HISTORY };
enum wait { WAIT_SLEEP, WAIT_SPIN, WAIT_HYBRID, WAIT_SEMAPHORE, WAIT_POLL };
enum on_overwrite { GO_ON, OLDEST, RESET, STOP };

/* One entry of the list of lags. Kinds differ in what the numbers mean. */
struct lag {
  char kind[16];
  int64_t service, phase; /* constant */
  int64_t every, stall;   /* periodic */
  int64_t reads, idle;    /* burst */
  int64_t* gaps;          /* trace */
  size_t gap_count;
};

#define MOST_LAGS 16
static struct {
  enum mode mode;
  bool copy;
  int64_t hold, poll;
  enum wait wait;
  int64_t semaphore, history, index_lag;
  enum on_overwrite on_overwrite;
  struct lag lags[MOST_LAGS];
  size_t lag_count;
} plan = {.copy = true, .history = 1};

/* As much of JSON as the bench writes: no escapes in strings, whole numbers only. */
static const char* json;

static _Noreturn void bad_plan(void) { give_up(1, "the plan cannot be understood at:", json); }
static char peek(void) {
  json += strspn(json, " \t\r\n");
  return *json;
}
static void expect(char c) {
  if (peek() != c) bad_plan();
  ++json;
}
static bool accept(char c) {
  if (peek() != c) return false;
  ++json;
  return true;
}
static void get_string(char* into, size_t room) {
  expect('"');
  const char* end = strchr(json, '"');
  if (end == NULL || (size_t)(end - json) >= room) bad_plan();
  memcpy(into, json, (size_t)(end - json));
  into[end - json] = '\0';
  json = end + 1;
}
static int64_t get_number(void) {
  char* end;
  peek();
  errno = 0;
  /* A seed needs all 64 bits; it is read as the number it is modulo 2^64 and not used here. */
  const int64_t value = *json == '-' ? strtoll(json, &end, 10) : (int64_t)strtoull(json, &end, 10);
  if (end == json || errno != 0) bad_plan();
  json = end;
  return value;
}
/* Of a word like true, false, null: was it that one? */
static bool get_word(const char* word) {
  peek();
  const size_t n = strspn(json, "abcdefghijklmnopqrstuvwxyz");
  if (n == 0) bad_plan();
  const bool equal = n == strlen(word) && strncmp(json, word, n) == 0;
  json += n;
  return equal;
}
static int get_choice(const char* const* names, int count) {
  char text[32];
  get_string(text, sizeof text);
  for (int i = 0; i < count; ++i)
    if (strcmp(text, names[i]) == 0) return i;
  give_up(2, "the plan asks for", text);
}

static void get_gaps(struct lag* lag) {
  size_t room = 0;
  expect('[');
  while (!accept(']')) {
    if (lag->gap_count > 0) expect(',');
    if (lag->gap_count == room) {
      room = room > 0 ? 2 * room : 64;
      lag->gaps = realloc(lag->gaps, room * sizeof *lag->gaps);
      if (lag->gaps == NULL) give_up(1, "no memory for the gaps of", lag->kind);
    }
    lag->gaps[lag->gap_count++] = get_number();
  }
  if (lag->gap_count == 0) bad_plan();
}

static void get_lag(struct lag* lag) {
  char key[32];
  expect('{');
  do {
    get_string(key, sizeof key);
    expect(':');
    if (strcmp(key, "kind") == 0)
      get_string(lag->kind, sizeof lag->kind);
    else if (strcmp(key, "gaps_ns") == 0)
      get_gaps(lag);
    else if (strcmp(key, "service_ns") == 0)
      lag->service = get_number();
    else if (strcmp(key, "phase_ns") == 0)
      lag->phase = get_number();
    else if (strcmp(key, "every") == 0)
      lag->every = get_number();
    else if (strcmp(key, "stall_ns") == 0)
      lag->stall = get_number();
    else if (strcmp(key, "reads") == 0)
      lag->reads = get_number();
    else if (strcmp(key, "idle_ns") == 0)
      lag->idle = get_number();
    else
      give_up(2, "the plan has a lag with", key);
  } while (accept(','));
  expect('}');
}

static void get_lags(void) {
  expect('[');
  while (!accept(']')) {
    if (plan.lag_count > 0) expect(',');
    if (plan.lag_count == MOST_LAGS) give_up(2, "the plan has too many lags:", json);
    get_lag(&plan.lags[plan.lag_count++]);
  }
}

static void get_plan(void) {
  static const char* const modes[] = {"next", "newest", "arbitrary", "history"};
  static const char* const waits[] = {"sleep", "spin", "hybrid", "semaphore", "poll"};
  static const char* const policies[] = {"go_on", "oldest", "reset", "stop"};
  char key[32];
  expect('{');
  do {
    get_string(key, sizeof key);
    expect(':');
    if (strcmp(key, "mode") == 0)
      plan.mode = (enum mode)get_choice(modes, 4);
    else if (strcmp(key, "wait") == 0)
      plan.wait = (enum wait)get_choice(waits, 5);
    else if (strcmp(key, "on_overwrite") == 0)
      plan.on_overwrite = (enum on_overwrite)get_choice(policies, 4);
    else if (strcmp(key, "copy") == 0)
      plan.copy = get_word("true");
    else if (strcmp(key, "lag") == 0)
      get_lags();
    else if (strcmp(key, "semaphore") == 0 && peek() == 'n')
      (void)get_word("null");
    else {
      const int64_t number = get_number();
      if (strcmp(key, "hold_ns") == 0)
        plan.hold = number;
      else if (strcmp(key, "poll_ns") == 0)
        plan.poll = number;
      else if (strcmp(key, "semaphore") == 0)
        plan.semaphore = number;
      else if (strcmp(key, "history") == 0)
        plan.history = number;
      else if (strcmp(key, "index_lag") == 0)
        plan.index_lag = number;
    }
  } while (accept(','));
  expect('}');
  if (plan.on_overwrite == OLDEST)
    give_up(2, "DAO's interface cannot go on with the oldest frame:", "on_overwrite");
}

static void read_plan(const char* path) {
  if (path == NULL) return;
  FILE* file = fopen(path, "r");
  if (file == NULL) give_up(1, "cannot open the plan", path);
  size_t size = 0, room = 1 << 16;
  char* text = malloc(room);
  for (size_t n = 1; text != NULL && n > 0; size += n) {
    if (room - size < 2) text = realloc(text, room *= 2);
    n = text != NULL ? fread(text + size, 1, room - size - 1, file) : 0;
  }
  fclose(file);
  if (text == NULL) give_up(1, "no memory for the plan", path);
  text[size] = '\0';
  json = text;
  get_plan();
  free(text);
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* From the n-th delivered frame's call to the next, n >= 1: the longest that any lag asks for. */
static int64_t gap_after(uint64_t n) {
  int64_t service = plan.hold, phase = 0, gap = 0;
  for (size_t i = 0; i < plan.lag_count; ++i) {
    const struct lag* lag = &plan.lags[i];
    service = larger(service, lag->service);
    phase = larger(phase, lag->phase);
    if (lag->every > 0 && n % (uint64_t)lag->every == 0) gap = larger(gap, lag->stall);
    if (lag->reads > 0 && n % (uint64_t)lag->reads == 0) gap = larger(gap, lag->idle);
    if (lag->gap_count > 0) gap = larger(gap, lag->gaps[(n - 1) % lag->gap_count]);
  }
  return larger(gap, n == 1 ? service + phase : service);
}

/* ---- what is reported ---------------------------------------------------------------------- */

struct call {
  int64_t intended, before, after;
  uint64_t counter, id;
  uint32_t crc;
  int8_t status;
  bool waited, frame, discarded;
};

static struct call* calls; /* made before the run, so that none is made in it */
static size_t call_room;
static atomic_size_t call_count;
static _Atomic int64_t end_ns; /* when the last frame was due; 0: more are to come */
static pthread_mutex_t reporting = PTHREAD_MUTEX_INITIALIZER;

static void record(const struct call* call) {
  const size_t n = atomic_load_explicit(&call_count, memory_order_relaxed);
  if (n == call_room) give_up(1, "more calls than there is room for,", getenv("HIL_CALLS"));
  calls[n] = *call;
  atomic_store_explicit(&call_count, n + 1, memory_order_release);
}

/* Print all and end. Called by whichever thread comes first; the other one waits for the end. */
static _Noreturn void report(void) {
  pthread_mutex_lock(&reporting);
  const size_t n = atomic_load_explicit(&call_count, memory_order_acquire);
  for (size_t i = 0; i < n; ++i) {
    const struct call* c = &calls[i];
    printf("call %" PRId64 " %" PRId64 " %d %" PRIu64 " intended=%" PRId64 " waited=%d", c->before,
           c->after, c->status, c->counter, c->intended, c->waited);
    if (c->frame) printf(" id=%" PRIu64, c->id);
    if (c->frame && c->discarded)
      printf(" content=discarded");
    else if (c->frame)
      printf(" crc=%08" PRIx32, c->crc);
    putchar('\n');
  }
  fflush(stdout);
  _exit(ferror(stdout) ? 1 : 0);
}

/* Hears the bench: "end <ns>" on standard input, then the end of it; SIGTERM at last. */
static void* listen_to_bench(void* unused) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  struct pollfd files[2] = {{.fd = 0, .events = POLLIN},
                            {.fd = signalfd(-1, &term, SFD_CLOEXEC), .events = POLLIN}};
  char text[64];
  size_t have = 0;
  (void)unused;
  for (;;) {
    if (poll(files, 2, -1) < 0 && errno != EINTR) return NULL;
    if (files[1].revents & POLLIN) report();
    if (!files[0].revents) continue;
    const ssize_t n = read(0, text + have, sizeof text - 1 - have);
    if (n > 0) have += (size_t)n;
    text[have] = '\0';
    int64_t end = 0;
    if (n <= 0)
      end = now_ns();
    else if (strchr(text, '\n') == NULL || sscanf(text, "end %" SCNd64, &end) != 1)
      continue;
    int64_t unset = 0; /* the first word counts */
    atomic_compare_exchange_strong(&end_ns, &unset, end);
    files[0].fd = -1;
  }
}

/* ---- reading ------------------------------------------------------------------------------- */

static IMAGE image;
static size_t frame_bytes;
static unsigned char* buffer;

static size_t element_size(uint8_t type) {
  static const uint8_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 16};
  if (type == 0 || type >= sizeof sizes) give_up(1, "unknown element type of", image.name);
  return sizes[type];
}

static bool ended_before(int64_t time) {
  const int64_t end = atomic_load(&end_ns);
  return end != 0 && time > end;
}

/* @returns false when the run is over before that time */
static bool sleep_until(int64_t time) {
  for (int64_t now = now_ns(); now < time; now = now_ns()) {
    if (ended_before(time)) return false;
    const int64_t to = time - now < SLICE ? time : now + SLICE;
    const struct timespec t = {to / SECOND, to % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
  }
  return !ended_before(time);
}

static void check(int_fast8_t code, const char* what) {
  if (code == DAO_ERROR) {
    char text[600];
    snprintf(text, sizeof text, "%s: %s", what, daoLastError());
    give_up(1, "failed:", text);
  }
}

/* Until there may be a frame after the one read last. */
static void wait_for_frame(void) {
  if (plan.mode != NEXT) {
    check(daoShmWaitForTargetCounter(&image, 1), "daoShmWaitForTargetCounter");
    return;
  }
  struct timespec until;
  const int64_t begin = now_ns();
  switch (plan.wait) {
    case WAIT_SEMAPHORE:
      clock_gettime(CLOCK_REALTIME, &until);
      until.tv_nsec += SLICE;
      if (until.tv_nsec >= SECOND) until.tv_sec += 1, until.tv_nsec -= SECOND;
      check(daoShmWaitForSemaphoreTimeout(&image, (int32_t)plan.semaphore, &until),
            "daoShmWaitForSemaphoreTimeout");
      break;
    case WAIT_SPIN:
      while (daoShmGetCounter(&image) == image.fifo_last_read_cnt0 && now_ns() < begin + SLICE) {
      }
      break;
    case WAIT_HYBRID:
      while (now_ns() < begin + SPIN)
        if (daoShmGetCounter(&image) != image.fifo_last_read_cnt0) return;
      /* fall through */
    default:
      check(daoShmWaitForNextSegment(&image), "daoShmWaitForNextSegment");
  }
}

/* One read: where the pixels are, which slot, which counter. */
static int_fast8_t get_frame(void** pixels, uint32_t* slot, uint64_t* counter) {
  int_fast8_t code;
  if (plan.mode == NEXT) {
    code = daoShmGetNextSegment(&image, pixels, slot, counter);
    check(code, "daoShmGetNextSegment");
    return code;
  }
  code = daoShmGetNewestSegment(&image, pixels, slot, counter);
  check(code, "daoShmGetNewestSegment");
  if (*counter == 0) return DAO_NOTREADY;
  if (plan.mode == ARBITRARY) {
    const uint32_t depth = image.md[0].fifo_size;
    *slot = (*slot + depth - (uint32_t)(plan.index_lag % depth)) % depth;
    check(daoShmGetArbitrarySegment(&image, pixels, *slot), "daoShmGetArbitrarySegment");
    *counter = image.md[*slot].cnt0;
    if (*counter == 0) return DAO_NOTREADY;
  }
  return code;
}

/* The older frames of a history, oldest first, into the buffer behind the newest one's place. Which
 * of them are whole is seen as everywhere: after the copy. */
static bool copy_history(uint32_t newest_slot, uint64_t newest) {
  const uint32_t depth = image.md[0].fifo_size;
  bool whole = true;
  for (uint64_t back = (uint64_t)plan.history - 1; back >= 1; --back) {
    if (back >= newest) continue; /* not yet so many */
    void* pixels;
    const uint32_t slot = (uint32_t)((newest_slot + depth - back % depth) % depth);
    check(daoShmGetArbitrarySegment(&image, &pixels, slot), "daoShmGetArbitrarySegment");
    memcpy(buffer + back * frame_bytes, pixels, frame_bytes);
    if (image.md[slot].cnt0 != newest - back || daoShmCheckSegmentOverwrite(&image) != DAO_SUCCESS)
      whole = false;
  }
  return whole;
}

/* Use the pixels as planned. @returns false when they were overwritten meanwhile */
static bool use_frame(void* pixels, uint32_t slot, struct call* call) {
  const void* seen = pixels;
  if (plan.copy) {
    memcpy(buffer, pixels, frame_bytes);
    seen = buffer;
  }
  call->id = image.md[slot].cnt2;
  bool whole = !plan.copy || daoShmCheckSegmentOverwrite(&image) == DAO_SUCCESS;
  if (plan.mode == HISTORY && !copy_history(slot, call->counter)) whole = false;
  call->after = now_ns();
  if (!plan.copy && plan.hold > 0) {
    const int64_t until = call->after + plan.hold;
    const struct timespec t = {until / SECOND, until % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
  }
  call->crc = crc32c(seen, frame_bytes);
  if (!plan.copy) whole = daoShmCheckSegmentOverwrite(&image) == DAO_SUCCESS;
  return whole;
}

static void read_frames(uint64_t last_id) {
  uint64_t delivered = 0;
  int64_t intended = now_ns();
  bool waited = false;
  /* Call j + 1 is intended at (call j had to wait ? its return : its intended time) + gap, so that
   * one late wake-up does not add up. */
  while (waited || sleep_until(intended)) {
    const bool ended = atomic_load(&end_ns) != 0; /* read first: "nothing new" is then final */
    struct call call = {.intended = intended, .waited = waited};
    void* pixels = NULL;
    uint32_t slot = 0;
    call.before = now_ns();
    const int_fast8_t code = get_frame(&pixels, &slot, &call.counter);
    call.after = now_ns();
    call.status = (int8_t)code;
    if (code == DAO_NOTREADY) {
      call.counter = 0;
      if (plan.wait == WAIT_POLL) {
        record(&call);
        intended = larger(intended, call.before) + larger(plan.poll, SHORTEST_POLL);
      }
      if (ended) return;
      if (plan.wait != WAIT_POLL) {
        waited = true;
        wait_for_frame();
      }
      continue;
    }
    call.frame = true;
    call.discarded = !use_frame(pixels, slot, &call);
    record(&call);
    delivered += 1;
    intended = (waited ? call.after : intended) + gap_after(delivered);
    waited = false;
    if (code == DAO_OVERWRITE && plan.on_overwrite == STOP) return;
    if (code == DAO_OVERWRITE && plan.on_overwrite == RESET)
      check(daoShmResetTail(&image, NULL, NULL), "daoShmResetTail");
    if (last_id != 0 && call.id >= last_id && plan.mode == NEXT) return;
  }
}

static uint64_t number_of(const char* name) {
  const char* text = getenv(name);
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

int main(int argc, char** argv) {
  const char* stream = argc > 1 ? argv[1] : getenv("HIL_STREAM");
  if (stream == NULL) give_up(2, "which stream? Give its path, or", "HIL_STREAM");
  /* Before the thread, which inherits it: SIGTERM is taken where it can be answered. */
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, NULL);

  read_plan(getenv("HIL_PLAN"));
  make_crc_table();
  check(daoShmShm2Img(stream, &image), "daoShmShm2Img");
  frame_bytes = image.md[0].nelement * element_size(image.md[0].atype);
  call_room = number_of("HIL_CALLS");
  if (call_room == 0) call_room = 1000000;
  calls = malloc(call_room * sizeof *calls);
  buffer = malloc(frame_bytes * (size_t)plan.history);
  if (calls == NULL || buffer == NULL) give_up(1, "no memory for the calls of", stream);
  /* Touched now, so that no page fault falls into the run. */
  memset(calls, 0, call_room * sizeof *calls);
  memset(buffer, 0, frame_bytes * (size_t)plan.history);
  const uint64_t tail = image.fifo_last_read_cnt0;

  pthread_t listener;
  if (pthread_create(&listener, NULL, listen_to_bench, NULL) != 0)
    give_up(1, "cannot start a thread for", stream);
  printf("ready %" PRIu64 "\n", tail);
  fflush(stdout);
  read_frames(number_of("HIL_FRAMES"));
  report();
}
