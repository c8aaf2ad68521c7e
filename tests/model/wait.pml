/* Reader::wait with Wait::sleep, after a `next` that said not_ready. */
do
:: readable();
   if
   :: ok -> break
   :: else
   fi;
   /* sleep_a_slice */
   rung = doorbell;
   newest_published();
   if
   :: rung != newest  /* the doorbell does not work now: look again in kPoll */
   :: else ->
#if defined(DEFECT_NO_LOOK)       /* announces, then sleeps */
      sleepers = true;
      ok = false;
#elif defined(DEFECT_LOOK_FIRST)  /* no fence: the look takes effect before the announcement */
      readable();
      sleepers = true;
#else
      sleepers = true;
      readable();                     /* after the seq_cst fence */
#endif
      if
      :: ok
      :: else ->
         /* futex_wait: the kernel compares and puts to sleep in one step */
         d_step {
           if
           :: doorbell == rung -> asleep = true; watch_asleep()
           :: else
           fi
         };
         if
         :: !asleep
#ifdef SLEEP_LIMIT
         :: atomic { timeout -> asleep = false }
#endif
         :: d_step { watch_nothing_comes() -> asleep = false }; goto over
         fi
      fi
   fi
od;
