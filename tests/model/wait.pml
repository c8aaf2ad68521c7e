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
      sleepers = true;
      readable();
      if
      :: ok
      :: else ->
         /* futex_wait: the kernel compares and puts to sleep in one step */
         d_step {
           if
           :: doorbell == rung -> asleep[_pid] = true
           :: else
           fi
         };
         if
         :: !asleep[_pid]
#ifdef SLEEP_LIMIT
         :: atomic { timeout -> asleep[_pid] = false }
#endif
         :: d_step { watch_nothing_comes() -> asleep[_pid] = false }; goto over
         fi
      fi
   fi
od;
