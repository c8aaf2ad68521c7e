/* The FIFO protocol of shm/writer.cpp and shm/reader.cpp: every interleaving of its steps.

   A configuration is a set of -D options; `check` names the sets and says what each must give.
   Every store to shared memory and every load from it is one step. In which order the steps of one
   process may take effect is a table of its own: orders.pml.

   The writer alone writes the stream, all but `sleepers`. So what it loads of its own stores is no
   step: nobody can tell when that happened. There is one reader: readers write nothing but
   `sleepers` = 1, and process Others does that at any time, for any number of them. */

#ifndef DEPTH
#define DEPTH 2    /* N: slots of the ring, 1 .. 3 */
#endif
#ifndef FRAMES
#define FRAMES 5   /* the writer stops after that many, at most 15 */
#endif
#ifndef CRASHES
#define CRASHES 0  /* so often the writer dies, before any of its steps; a successor attaches */
#endif
#ifndef DROPS
#define DROPS 0    /* so often a Slot is dropped without commit, then claimed again */
#endif

/* READER_x     what the reader calls, again and again: NEXT; OLDEST (next, when lapped from the
                oldest whole frame); NEWEST; HISTORY; AT (any slot); MIXED (next, newest); RESET
                (next, reset_tail); REFERENCE (the reference's GetNextSegment, at one moment)
   WAIT_SLEEP   the reader of NEXT sleeps while nothing is there; else it polls
   SLEEP_LIMIT  a sleep ends after kDoubt, and a dead writer may have no successor;
                else only a wake-up ends a sleep
   NO_PIXELS    without pixels and stamp, where they are not the subject
   WRITER_PACKETS         the pixels come in two packets, one after the other
   ORDER_REFERENCE        the writer is one of the reference
   ORDER_REFERENCE_FIRST  only the first one is, its successors are ours
   INTEROP      a frame counts as published when it has index and counter, in whichever order
   CONTIGUOUS   demand contiguous counters at depth 1 too
   DEFECT_x     something taken away or put back: orders.pml, writer.pml, reader.pml, wait.pml
   REACH_x      claim that something never happens, to see that it does: properties.pml */

#define slot_after(s) (((s) + 1) % DEPTH)
#define slot_before(s) (((s) + DEPTH - 1) % DEPTH)

/* ------------------------------------------------------------------------- the shared memory */

#define WORDS 3    /* of a slot: two of pixels, one for the stamp (time, cnt2) */
#define STAMP 2

byte word[DEPTH * WORDS];           /* content: which frame, of which writing, stored it */
byte cnt0[DEPTH];
bool write[DEPTH];
byte fifo_last_written = DEPTH - 1;
byte doorbell;
bool sleepers;

bool asleep;                        /* the kernel's: the reader waits for a wake-up */

#include "properties.pml"
#include "orders.pml"
#include "writer.pml"
#include "reader.pml"
