/* Writer and Slot of shm/writer.cpp. */

#define CONTENT content_of(k, broken_off)

/* The process is killed. Its locals are gone; what it has stored stands. */
#define MAY_DIE \
  :: atomic { crashes < CRASHES -> crashes++; broken_off++; forget(); goto attach }

inline forget() {
  last_written = 0;
  newest = 0;
  slot = 0;
  k = 0;
  done = 0;
  ring = false
}

/* One store of the frame being written, once the order allows it. */
#define STORE(step, what) \
  :: d_step { may(step, AFTER_##step) -> what; done = done | (step); begun = k }

/* Writer::Writer and Writer::agree_with_counters. Its one store, of the index, is the last thing
   that others see of it, so that all of it is one step. */
inline construct() {
  last_written = fifo_last_written;
  newest = cnt0[last_written];
#if DEPTH > 1
  slot = slot_before(last_written);
  if
  :: (cnt0[slot] > newest && !write[slot]) ||
     (newest == 0 && last_written == 0 && cnt0[slot] == 0) ->
     last_written = slot;
     newest = cnt0[slot];
     fifo_last_written = slot
  :: else
  fi;
#endif
  published = newest
}

#if defined(DEFECT_UNFINISHED_IGNORED)  /* its counter is used again */
#define UNFINISHED(slot, k) false
#elif defined(DEFECT_UNFINISHED_HALF)   /* finished though it is not whole */
#define UNFINISHED(slot, k) (cnt0[slot] == k)
#else
#define UNFINISHED(slot, k) (cnt0[slot] == k && !write[slot])
#endif

active proctype Writer() {
  byte last_written = DEPTH - 1;  /* last_written_ */
  byte newest;                    /* newest_ */
  byte slot, k;                   /* the Slot being written */
  byte crashes, drops, broken_off;
  short done;
  bool ring;                      /* in Writer::wake: `sleepers` */

begin:  /* Writer::begin; its store is W0 */
  if
  :: d_step { newest < FRAMES ->
       watch_idle(newest, last_written);
       watch_begin(newest);
       slot = slot_after(last_written);
       k = newest + 1;
       done = STORES_LEFT_OUT;
       ring = false
     }
  :: d_step { newest >= FRAMES -> watch_idle(newest, last_written) };
     goto finished
  MAY_DIE
  fi;

stores:  /* W0, the pixels, Slot::commit */
  do
#ifdef DEFECT_NO_WRITE_FLAG
  STORE(W0, skip)
#else
  STORE(W0, write[slot] = true)
#endif
  STORE(W1A, word[slot * WORDS] = CONTENT)
  STORE(W1B, word[slot * WORDS + 1] = CONTENT)
  STORE(W2, word[slot * WORDS + STAMP] = CONTENT)
#ifdef DEFECT_PACKETS_CLEAR
  STORE(C0, write[slot] = false)
  STORE(C1, write[slot] = true)
#endif
  STORE(W3, cnt0[slot] = k; watch_whole(slot, k, CONTENT); watch_published(slot, k))
  STORE(W4, write[slot] = false; watch_whole(slot, k, CONTENT))
  STORE(W5, fifo_last_written = slot; watch_published(slot, k))
  :: d_step { may(L6, AFTER_L6) -> ring = sleepers; done = done | L6 }
  /* dropped without commit: the next begin claims it again */
  :: d_step { drops < DROPS && (done & (W1A | W1B)) && !(done & (W2 | W3 | W4 | W5)) ->
       drops++; broken_off++; done = STORES_LEFT_OUT }
  MAY_DIE
  :: done == ALL_STORES -> break
  od;
  last_written = slot;
  newest = k;

  /* W6 */
#ifdef DEFECT_BELL_BEFORE_FLAG
  if
  :: doorbell = k
  MAY_DIE
  fi;
  if
  :: d_step { ring -> asleep = false }
  :: !ring
  MAY_DIE
  fi;
  if
  :: d_step { ring -> sleepers = false }
  :: !ring
  MAY_DIE
  fi;
#else
  if
  :: d_step { ring -> ring = sleepers; sleepers = false }  /* exchange */
  :: !ring
  MAY_DIE
  fi;
  if
  :: doorbell = k
  MAY_DIE
  fi;
  if
  :: d_step { ring -> asleep = false }
  :: !ring
  MAY_DIE
  fi;
#endif
  goto begin;

attach:  /* the lock is free, its holder is dead */
#if defined(WAIT_SLEEP) && defined(SLEEP_LIMIT)
  if
  :: true
  :: goto finished  /* nobody attaches any more */
  fi;
#endif
  atomic { construct() };
#ifndef DEFECT_SILENT_ATTACH
  if
  :: doorbell = newest
  MAY_DIE
  fi;
  if
  :: d_step { asleep = false }
  MAY_DIE
  fi;
#endif
  if
  MAY_DIE
  :: d_step {  /* Writer::taken_over: did the predecessor die between W4 and W5? */
       slot = slot_after(last_written);
       k = newest + 1;
       if
       :: UNFINISHED(slot, k) ->
          done = ALL_STORES & ~(W5 | L6);
          watch_finish()
       :: else
       fi
     }
  fi;
  if
  :: done -> goto stores  /* index, wake: finish its publication */
  :: else -> goto begin
  fi;

finished:
  atomic { forget(); writer_gone = true }
}
