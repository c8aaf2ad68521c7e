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

#ifdef ORDER_REFERENCE  /* daoShmImage2Shm on x86: as in the source */
#define AFTER_W0  0
#define AFTER_W1A W0
#define AFTER_W1B W1A
#define AFTER_W4  W1B
#define AFTER_W5  W4
#define AFTER_W2  W5
#define AFTER_W3  W2

#else                   /* ours */
#define AFTER_W0  0
#ifdef DEFECT_NO_FENCE_F  /* begin() without its release fence */
#define AFTER_W1A 0
#define AFTER_W2  0
#else
#define AFTER_W1A W0    /* F */
#define AFTER_W2  W0    /* F */
#endif
#ifdef WRITER_PACKETS
#ifdef DEFECT_PACKETS_CLEAR
#define AFTER_W1B C1
#else
#define AFTER_W1B W1A
#endif
#else
#define AFTER_W1B AFTER_W1A
#endif
#ifdef DEFECT_INDEX_FIRST   /* index before counter, the rest as ours */
#define AFTER_W5  (W0 | W1A | W1B | W2)
#define AFTER_W3  W5
#define AFTER_W4  W3
#else
#ifdef DEFECT_W3_RELAXED
#define AFTER_W3  W0                        /* F, as all below */
#else
#define AFTER_W3  (W0 | W1A | W1B | W2)   /* release */
#endif
#ifdef DEFECT_W4_RELAXED
#define AFTER_W4  (W0 | C1)               /* the same byte: never before W0 */
#else
#define AFTER_W4  (W0 | W1A | W1B | W2 | W3)   /* release */
#endif
#ifdef DEFECT_W5_RELAXED
#define AFTER_W5  W0
#elif defined(DEFECT_W5_BEFORE_W4)
#undef AFTER_W4
#define AFTER_W4  W5
#define AFTER_W5  W3
#else
#define AFTER_W5  W4                      /* release */
#endif
#endif
#endif

#ifdef DEFECT_NO_FENCE_WAKE
#define AFTER_L6 0
#else
#define AFTER_L6 (W3 | W4 | W5)           /* seq_cst fence: no load before a store otherwise */
#endif
#define AFTER_C0 W1A
#define AFTER_C1 C0

#define R1  1      /* cnt0 */
#define R2  2      /* write */
#define R3A 4      /* pixels, first part */
#define R3B 8      /* pixels, second part */
#define R3S 16     /* stamp */
#define R5W 32     /* write, once more */
#define R5C 64     /* cnt0, once more */

#define ALL_LOADS (R1 | R2 | R3A | R3B | R3S | R5W | R5C)

#define AFTER_R1 0
#ifdef DEFECT_R1_RELAXED
#define AFTER_R2 0
#define AFTER_R3 R2
#else
#define AFTER_R2 R1                       /* acquire */
#ifdef DEFECT_R2_RELAXED
#define AFTER_R3 R1
#else
#define AFTER_R3 (R1 | R2)                /* acquire */
#endif
#endif
#define AFTER_R3A AFTER_R3
#define AFTER_R3B AFTER_R3
#define AFTER_R3S AFTER_R3
#ifdef DEFECT_NO_FENCE_R4
#define AFTER_R5W (R1 | R2)
#else
#define AFTER_R5W (R1 | R2 | R3A | R3B | R3S)   /* R4 */
#endif
#ifdef DEFECT_R5_RELAXED                    /* its two loads in any order */
#define AFTER_R5C (AFTER_R5W)
#else
#define AFTER_R5C R5W                     /* acquire */
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
