// Opening and closing journal.db. Internal to the store; what others may do is in journal.h.
#ifndef GEMEL_STORE_JOURNAL_FILE_H
#define GEMEL_STORE_JOURNAL_FILE_H

#include "store/database.h"
#include "store/journal.h"

/// Opens or makes journal.db and starts its thread; numbers go on where they ended.
/// @return as gm_database_open_writer
gm_status gm_journal_open(const gm_database_place *place, const gm_log *log, gm_journal **journal,
                          gm_error *error);

/// Commits what waits (one try) and closes. NULL is fine.
void gm_journal_close(gm_journal *journal);

#endif
