/* Reader of shm/reader.cpp.

   The loops of the source end after kCopyAttempts = 16. Here those around a copy may give up after
   any attempt: that is more than the source can do, so nothing hangs on the number. The one in
   newest_published does not end: each attempt that fails has met a publication of its own, and
   fewer than 16 frames are published. */

#define wanted (tail + 1)
#define wanted_slot slot_after(tail_slot)

mtype = { none, success, overwrite, not_ready, torn };

#define LOAD(step, what) \
  :: d_step { ok && may(step, AFTER_##step) -> what; done = done | (step) }

inline see(content) {
  mixed = mixed || ((done & (R3A | R3B | R3S)) && seen != content);
  seen = content
}

/* take, with intact() in it: R1 to R5. Result: ok, and the words as `seen`. */
inline take(slot, k) {
  d_step { done = LOADS_LEFT_OUT; ok = true; mixed = false; seen = 0 };
  do
  LOAD(R1, ok = (cnt0[slot] == k))
#ifdef DEFECT_NO_R2
  LOAD(R2, skip)
#else
  LOAD(R2, ok = !write[slot])
#endif
  LOAD(R3A, see(word[(slot) * WORDS]))
  LOAD(R3B, see(word[(slot) * WORDS + 1]))
  LOAD(R3S, see(word[(slot) * WORDS + STAMP]))
#ifdef DEFECT_NO_R5
  LOAD(R5W, skip)
  LOAD(R5C, skip)
#else
  LOAD(R5W, ok = !write[slot])
  LOAD(R5C, ok = (cnt0[slot] == k))
#endif
  :: d_step { ok && done == ALL_LOADS ->
       watch_delivered(k, seen, mixed); done = 0; mixed = false };
     break
  :: d_step { !ok -> done = 0; mixed = false; seen = 0 };
     break
  od
}

/* whole: R1, R2. Result: ok. */
inline whole(slot, k) {
  ok = (cnt0[slot] == k);
  if
  :: ok -> ok = !write[slot]
  :: else
  fi
}

/* newest_published. Result: newest_slot, newest. */
inline newest_published() {
  do
  :: newest_slot = fifo_last_written;
     newest = cnt0[newest_slot];
#if DEPTH == 1
     break
#else
     previous = cnt0[slot_before(newest_slot)];
     if
     :: d_step { previous <= newest ->
          if
          :: newest == 0 -> newest_slot = DEPTH - 1
          :: else
          fi;
          previous = 0
        };
#ifndef DEFECT_NO_LOOK_AHEAD
        whole(slot_after(newest_slot), newest + 1);
        if
        :: d_step { ok -> newest_slot = slot_after(newest_slot); newest++ }
        :: else
        fi;
#endif
        break
     :: else
     fi;
     claimed = write[slot_before(newest_slot)];
     ok = (fifo_last_written == newest_slot);
     if
     :: ok -> ok = (cnt0[newest_slot] == newest)
     :: else
     fi;
     if
     :: d_step { ok ->
          if
          :: !claimed -> newest_slot = slot_before(newest_slot); newest = previous
          :: else
          fi;
          previous = 0; claimed = false
        };
        break
     :: d_step { !ok -> previous = 0; claimed = false }
     fi
#endif
  od
}

/* reset_tail */
inline reset_tail() {
#ifndef DEFECT_NO_LOOK_AHEAD
  do
  :: newest_published();
     whole(newest_slot, newest);
     if
     :: ok -> break
     :: else
     fi
  od;
#else
  newest_published();
#endif
  atomic {
    watch_reset(newest);
    tail = newest;
    tail_slot = newest_slot
  }
}

/* after_lap. Result: ok; then the tail has moved. */
inline after_lap() {
#ifdef READER_OLDEST
  atomic {
    back = (newest - wanted < DEPTH - 1 -> newest - wanted : DEPTH - 1);
    slot = (newest_slot + DEPTH - back) % DEPTH;
    k = newest - back;
    back = 0
  };
#else
  atomic { slot = newest_slot; k = newest };
#endif
  do
  :: take(slot, k);
     if
     :: d_step { ok ->
          outcome = (k == wanted -> success : overwrite);
          watch_next(k - wanted);
          tail_slot = slot; tail = k; watch_last(k); seen = 0
        };
        break
     :: !ok && k >= newest -> break
     :: d_step { !ok && k < newest -> slot = slot_after(slot); k++ }
     fi
  od;
  atomic { slot = 0; k = 0 }
}

/* next_into. Result: outcome; the tail has moved if it is success or overwrite. */
inline next_into() {
  do
  :: take(wanted_slot, wanted);
     if
     :: d_step { ok ->
          outcome = success;
          watch_next(0);
          tail_slot = wanted_slot; tail = wanted; watch_last(tail); seen = 0
        };
        break
     :: else
     fi;
     newest_published();
     if
     :: d_step { newest <= tail -> outcome = not_ready; watch_not_ready() };
        break
     :: else
     fi;
     whole(wanted_slot, wanted);
     if
     :: ok
     :: else ->
        after_lap();
        if
        :: ok -> break
        :: else
        fi;
#if DEPTH == 1
        ok = write[0];
        if
        :: ok -> outcome = not_ready; break
        :: else
        fi
#endif
     fi;
     if
     :: true
     :: outcome = torn; break  /* gives up */
     fi
  od
}

/* newest_into. Result: outcome, newest. */
inline newest_into() {
  do
  :: newest_published();
     if
     :: newest == 0 -> outcome = not_ready; break
     :: else
     fi;
     take(newest_slot, newest);
     if
     :: ok -> outcome = success; break
     :: !ok
     :: !ok -> outcome = torn; break  /* gives up */
     fi
  od
}

/* history, of DEPTH frames. Result: good, of which the last is newest. */
inline history() {
  newest_published();
  atomic { back = (newest < DEPTH -> newest : DEPTH); good = 0 };
  do
  :: back > 0 ->
     back--;
     take((newest_slot + DEPTH - back) % DEPTH, newest - back);
     good = (ok -> good + 1 : 0)
  :: else -> break
  od
}

/* at, for any slot. Result: outcome, newest: its counter. */
inline at_any() {
  if
  :: slot = 0
#if DEPTH > 1
  :: slot = 1
#endif
#if DEPTH > 2
  :: slot = 2
#endif
  fi;
  newest = cnt0[slot];
  if
  :: newest == 0 -> outcome = not_ready
  :: else ->
     take(slot, newest);
     outcome = (ok -> success : torn)
  fi;
  slot = 0
}

/* readable. Result: ok. */
inline readable() {
  whole(wanted_slot, wanted);
  if
  :: ok
  :: else ->
     newest_published();
     ok = false;
     if
     :: newest > tail -> whole(newest_slot, newest)
     :: else
     fi
  fi
}

/* The reference's GetNextSegment, taken as one step: what the stream tells at one moment. */
inline reference_next() {
  newest_slot = fifo_last_written;
  newest = cnt0[newest_slot];
  if
  :: tail_slot == newest_slot && tail == cnt0[tail_slot] -> outcome = not_ready
  :: else ->
     if
     :: cnt0[wanted_slot] == wanted ->
        outcome = success;
        tail_slot = wanted_slot; tail = wanted
     :: else ->
        outcome = overwrite;
        demand(counter_never_back, newest > tail);
        demand(skipped_only_when_gone, begun >= wanted + DEPTH);
        tail_slot = newest_slot; tail = newest
     fi
  fi
}

active proctype Reader() {
  byte tail, tail_slot;            /* tail_ */
  byte newest, newest_slot;        /* what newest_published found */
  byte previous;
  bool claimed;
  byte slot, k;                    /* the frame looked for */
  bool ok;
  byte seen;                       /* the words copied */
  bool mixed;                      /* they were not all the same */
  byte done;
  byte back, good;
  byte rung;
  mtype outcome = none;
  byte since;                      /* published when the call began */
  byte last;                       /* the newest counter that a call has given */

  /* Reader::open */
#ifdef READER_REFERENCE
  atomic { tail_slot = fifo_last_written; tail = cnt0[tail_slot] };
#else
  reset_tail();
#endif

  do
  :: since = published;
#if defined(READER_NEWEST)
     newest_into();
     watch_newest(outcome == success)
#elif defined(READER_HISTORY)
     history();
     watch_newest(good > 0)
#elif defined(READER_AT)
     at_any()
#elif defined(READER_REFERENCE)
     d_step { reference_next() }
#else
     next_into();
#ifdef READER_MIXED
     newest_into();
     watch_newest(outcome == success)
#elif defined(READER_RESET)
     reset_tail()
#endif
#ifdef WAIT_SLEEP
     read_until = tail;
     if
     :: outcome == not_ready ->
#include "wait.pml"
     :: else
     fi
#endif
#endif
     ;
     atomic {
       outcome = none; since = 0; seen = 0; newest = 0; newest_slot = 0; good = 0; ok = false
     }
  od;
over:
  skip
}

#ifdef WAIT_SLEEP
/* Any number of other readers, also such that die in their sleep. */
active proctype Others() {
end:
  do
  :: d_step { !sleepers -> sleepers = true }
  od
}
#endif
