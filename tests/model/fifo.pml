/* The FIFO protocol of shm/writer.cpp and shm/reader.cpp, for every interleaving of its steps.

   One configuration is a set of -D options; tests/model/check names the sets and says what each
   must give. Defaults stand below. Every store to and every load from shared memory is one step;
   in which order the steps of one process may take effect is a table of its own (orders.pml).

   The writer alone writes the stream, except for `sleepers`. What it loads of its own stores is
   therefore no step: no other process can tell when that happened. */

#ifndef DEPTH
#define DEPTH 2        /* N: slots of the ring, 1 .. 3 */
#endif
#ifndef FRAMES
#define FRAMES 5       /* the writer stops after that many, at most 15 */
#endif
#ifndef CRASHES
#define CRASHES 0      /* so often the writer dies, before any of its steps; a successor attaches */
#endif
#ifndef DROPS
#define DROPS 0        /* so often a Slot is dropped without commit and claimed again */
#endif
#ifndef READERS
#define READERS 1
#endif

/* WRITER_PACKETS    pixels arrive in two packets, in order; else in any order
   READER_*          NEXT, OLDEST (next, lapped to the oldest), NEWEST, HISTORY, MIXED (next and
                     newest), RESET (next and reset_tail), REFERENCE (the reference's GetNextSegment)
   WAIT_SLEEP        a reader of NEXT sleeps on the doorbell when nothing is there; else it polls
   SLEEP_LIMIT       a sleep ends after kDoubt; else only by a wake-up
   NO_PIXELS         leave out pixels and stamp, where they are not the subject
   ORDER_REFERENCE   the reference's order of stores
   CONTIGUOUS        demand contiguous counters at depth 1, too
   DEFECT_*            a defect put back, or an order taken away: orders.pml, writer.pml, reader.pml
   REACH_*           claim that something never happens, to see that it does: properties.pml */

#define slot_after(s) (((s) + 1) % DEPTH)
#define slot_before(s) (((s) + DEPTH - 1) % DEPTH)

/* ------------------------------------------------------------------------- the shared memory */

#define WORDS 3        /* of a slot: two of pixels, one for the stamp (time, cnt2) */
#define STAMP 2

byte word[DEPTH * WORDS];          /* content: which frame of which writing stored it */
byte cnt0[DEPTH];
bool write[DEPTH];
byte fifo_last_written = DEPTH - 1;
byte doorbell;
bool sleepers;

/* The kernel's: who sleeps on the doorbell. By process number; 0 is the writer. */
bool asleep[READERS + 1];

#include "properties.pml"
#include "orders.pml"
#include "writer.pml"
#include "reader.pml"
