/* Which step takes effect before which. A step is possible as soon as those it must come after are
   done; the order in the source promises nothing else. So every order of visibility is explored
   that releases, acquires and fences leave open (on machines where a store becomes visible to all
   others at once: x86, arm64). Each DEFECT_* below takes one of them away. */

#define W0  1      /* write = 1 */
#define W1A 2      /* pixels, first part */
#define W1B 4      /* pixels, second part */
#define W2  8      /* stamp */
#define W3  16     /* cnt0 = k */
#define W4  32     /* write = 0 */
#define W5  64     /* fifo_last_written */
#define L6  128    /* load of sleepers, in Writer::wake */
#define C0  256    /* write = 0 between packets (only DEFECT_PACKETS_CLEAR) */
#define C1  512    /* write = 1 again */

#ifdef DEFECT_PACKETS_CLEAR
#define ALL_STORES (W0 | W1A | W1B | W2 | W3 | W4 | W5 | L6 | C0 | C1)
#else
#define ALL_STORES (W0 | W1A | W1B | W2 | W3 | W4 | W5 | L6)
#endif

/* Ours: Writer::begin and Slot::commit. */
#define OURS_W0  0
#ifdef DEFECT_NO_FENCE_F
#define OURS_W1A 0
#define OURS_W2  0
#else
#define OURS_W1A W0                                     /* F */
#define OURS_W2  W0                                     /* F */
#endif
#if defined(DEFECT_PACKETS_CLEAR)
#define OURS_W1B (W0 | W1A | C0 | C1)
#elif defined(WRITER_PACKETS)
#define OURS_W1B (W0 | W1A)                             /* the packets come one by one */
#else
#define OURS_W1B OURS_W1A
#endif

#if defined(DEFECT_INDEX_FIRST)
#define OURS_W5  (W0 | W1A | W1B | W2)
#define OURS_W3  (W0 | W1A | W1B | W2 | W5)
#define OURS_W4  (W0 | W1A | W1B | W2 | W5 | W3)
#elif defined(DEFECT_MARK_LAST)
#define OURS_W3  (W0 | W1A | W1B | W2)
#define OURS_W5  (W0 | W1A | W1B | W2 | W3)
#define OURS_W4  (W0 | W1A | W1B | W2 | W3 | W5)
#else
#ifdef DEFECT_W3_RELAXED
#define OURS_W3  W0                                     /* by F still */
#else
#define OURS_W3  (W0 | W1A | W1B | W2)                  /* release */
#endif
#ifdef DEFECT_W4_RELAXED
#define OURS_W4  W0
#else
#define OURS_W4  (W0 | W1A | W1B | W2 | W3)             /* release */
#endif
#ifdef DEFECT_W5_RELAXED
#define OURS_W5  W0
#else
#define OURS_W5  (W0 | W1A | W1B | W2 | W3 | W4)        /* release */
#endif
#endif

/* The reference's: daoShmImage2Shm on x86, as in its source. */
#define REFERENCE_W0  0
#define REFERENCE_W1A W0
#define REFERENCE_W1B (W0 | W1A)
#define REFERENCE_W4  (W0 | W1A | W1B)
#define REFERENCE_W5  (W0 | W1A | W1B | W4)
#define REFERENCE_W2  (W0 | W1A | W1B | W4 | W5)
#define REFERENCE_W3  (W0 | W1A | W1B | W4 | W5 | W2)

#if defined(ORDER_REFERENCE)
#define OF_WRITER(ours, reference) (reference)
#elif defined(ORDER_REFERENCE_FIRST)  /* the first writer is one of the reference, then ours */
#define OF_WRITER(ours, reference) (crashes == 0 -> reference : ours)
#else
#define OF_WRITER(ours, reference) (ours)
#endif
#define AFTER_W0  OF_WRITER(OURS_W0, REFERENCE_W0)
#define AFTER_W1A OF_WRITER(OURS_W1A, REFERENCE_W1A)
#define AFTER_W1B OF_WRITER(OURS_W1B, REFERENCE_W1B)
#define AFTER_W2  OF_WRITER(OURS_W2, REFERENCE_W2)
#define AFTER_W3  OF_WRITER(OURS_W3, REFERENCE_W3)
#define AFTER_W4  OF_WRITER(OURS_W4, REFERENCE_W4)
#define AFTER_W5  OF_WRITER(OURS_W5, REFERENCE_W5)

#ifdef DEFECT_NO_FENCE_WAKE
#define AFTER_L6 0
#else
#define AFTER_L6 (W3 | W4 | W5)                         /* seq_cst fence */
#endif
#define AFTER_C0 (W0 | W1A)
#define AFTER_C1 (W0 | W1A | C0)

#define R1  1      /* cnt0 */
#define R2  2      /* write */
#define R3A 4      /* pixels, first part */
#define R3B 8      /* pixels, second part */
#define R3S 16     /* stamp */
#define R5W 32     /* write, once more */
#define R5C 64     /* cnt0, once more */

#define ALL_LOADS (R1 | R2 | R3A | R3B | R3S | R5W | R5C)

/* Reader::take. */
#define AFTER_R1 0
#ifdef DEFECT_R1_RELAXED
#define AFTER_R2 0
#define AFTER_R3 R2
#else
#define AFTER_R2 R1                                     /* acquire */
#ifdef DEFECT_R2_RELAXED
#define AFTER_R3 R1
#else
#define AFTER_R3 (R1 | R2)                              /* acquire */
#endif
#endif
#define AFTER_R3A AFTER_R3
#define AFTER_R3B AFTER_R3
#define AFTER_R3S AFTER_R3
#ifdef DEFECT_NO_FENCE_R4
#define AFTER_R5W (R1 | R2)
#else
#define AFTER_R5W (R1 | R2 | R3A | R3B | R3S)           /* R4 */
#endif
#ifdef DEFECT_R5_RELAXED
#define AFTER_R5C AFTER_R5W
#else
#define AFTER_R5C (AFTER_R5W | R5W)                     /* acquire */
#endif

#ifdef NO_PIXELS
#define STORES_LEFT_OUT (W1A | W1B | W2)
#define LOADS_LEFT_OUT  (R3A | R3B | R3S)
#else
#define STORES_LEFT_OUT 0
#define LOADS_LEFT_OUT  0
#endif

/* May this step be taken now? `done`: the steps taken, of this frame or this look. */
#define may(step, after) ((done & (step)) == 0 && (done & (after)) == (after))
