/* What must hold. A property is a variable that is asserted, so that the checker prints its name.
   None of what stands here exists in the FIFO; it only watches. */

bool no_torn_frame = true;          /* a frame delivered is one frame, and the one it says */
bool no_counter_reused = true;      /* one counter, one content, for all readers together */
bool counters_contiguous = true;    /* no counter is begun before the one before it was whole */
bool counter_never_back = true;     /* at one reader */
bool skipped_only_when_gone = true; /* `overwrite` only when the wanted frame is overwritten */
bool lost_is_exact = true;          /* frames skipped = frames reported lost */
bool nothing_new_is_true = true;    /* `not_ready` only when all published has been read */
bool newest_is_newest = true;       /* not older than the newest when the call began */
bool no_lost_wakeup = true;         /* nobody sleeps on a frame whose publication is over */
bool opened_on_whole = true;        /* open, reset_tail: what comes later will be delivered */
bool never_reached = true;          /* of REACH_* */

#define demand(property, condition) property = (condition); assert(property)

/* Content of a frame: its counter, and how many writings had been broken off before. */
#define content_of(k, broken_off) ((k) + 16 * (broken_off))
#define counter_in(content) ((content) % 16)

byte begun;         /* counter of the newest frame that has touched its slot */
byte published;     /* counter of the newest frame that the index has named */
byte whole_until;   /* counter of the newest frame that was whole: counter stored, mark down */
bool writer_gone;   /* for good */
#ifdef WAIT_SLEEP
byte read_until;    /* the reader's tail when it went to wait */
#endif

#if CRASHES + DROPS > 0
byte delivered[FRAMES + 1];  /* by counter: the content some reader was given, or 0 */
#endif

/* In the step that stores W3 or W4: is the frame whole from here on? Then everybody may read it,
   and nobody may have been given anything else under this counter. */
inline watch_whole(slot, k, content) {
  if
  :: cnt0[slot] == k && !write[slot] ->
     whole_until = k;
#if CRASHES + DROPS > 0
     demand(no_counter_reused, delivered[k] == 0 || delivered[k] == content)
#endif
  :: else
  fi
}

/* In the step that stores W3 or W5. */
inline watch_published(slot, k) {
#ifdef INTEROP  /* an index without counter tells nobody anything yet */
  if
  :: fifo_last_written == slot && cnt0[slot] == k -> published = k
  :: else
  fi
#else
  if
  :: fifo_last_written == slot -> published = k
  :: else
  fi
#endif
}

/* A reader was given these words as frame k. */
inline watch_delivered(k, content, mixed) {
#ifndef NO_PIXELS
  demand(no_torn_frame, !mixed && counter_in(content) == k);
#if CRASHES + DROPS > 0
  demand(no_counter_reused, delivered[k] == 0 || delivered[k] == content);
  delivered[k] = content
#endif
#else
  skip
#endif
}

/* The writer claims the slot for the frame after this one. */
inline watch_begin(newest) {
#if DEPTH > 1 || defined(CONTIGUOUS)
  demand(counters_contiguous, newest <= whole_until)
#else
  skip
#endif
}

/* The writer is between two frames. */
inline watch_idle(newest, slot) {
#if defined(WAIT_SLEEP) && !defined(SLEEP_LIMIT)
  demand(no_lost_wakeup, !(asleep && read_until < newest && !write[slot]))
#else
  skip
#endif
}

/* Nothing will ever come that this reader has not read: at depth 1 the newest may be destroyed. */
#define watch_nothing_comes() \
  (writer_gone && (tail >= whole_until || write[(whole_until - 1) % DEPTH]))

/* `next` has delivered the words `seen`, and says that so many frames were lost before. */
inline watch_next(lost) {
#ifndef NO_PIXELS
  demand(counter_never_back, counter_in(seen) > tail);
  demand(lost_is_exact, counter_in(seen) - tail - 1 == lost);
#endif
#ifdef REACH_LAST
  demand(never_reached, tail + lost + 1 < FRAMES);
#endif
#ifdef REACH_OVERWRITE
  demand(never_reached, lost < DEPTH);
#endif
#ifdef REACH_EVICTED  /* at exactly N unread, the slot already claimed */
  demand(never_reached, lost != DEPTH - 1);
#endif
#ifdef READER_OLDEST
  demand(skipped_only_when_gone, lost == 0 || begun >= tail + lost + DEPTH)
#else
  demand(skipped_only_when_gone, lost == 0 || begun >= tail + 1 + DEPTH)
#endif
}

inline watch_not_ready() {
  demand(nothing_new_is_true, since <= tail)
}

inline watch_finish() {
#ifdef REACH_FINISH
  demand(never_reached, false)
#else
  skip
#endif
}

inline watch_asleep() {
#ifdef REACH_ASLEEP
  demand(never_reached, !asleep)
#else
  skip
#endif
}

/* Counters that this reader has been given so far: none newer than `last`. */
inline watch_last(k) {
  last = (k > last -> k : last)
}

/* `newest`, or `history` with that as its last frame, has returned; or it gave nothing. */
inline watch_newest(any) {
  atomic {
    if
    :: any ->
       demand(newest_is_newest, newest >= since);
       demand(counter_never_back, newest >= last);
       watch_last(newest)
    :: else
    fi
  }
}

/* The tail is set to k: what becomes whole later will be delivered, what was delivered will not be
   again. */
inline watch_reset(k) {
#ifdef READER_RESET
  demand(opened_on_whole, k <= whole_until);
  demand(counter_never_back, k >= last)
#else
  skip
#endif
}
