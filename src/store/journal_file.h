// Opening and closing journal.db. Internal to the store; what others may do is in journal.h.
#ifndef GEMEL_STORE_JOURNAL_FILE_H
#define GEMEL_STORE_JOURNAL_FILE_H

#include "store/database.h"
#include "store/journal.h"

gm_status gm_journal_open(const gm_database_place *place, const gm_log *log, gm_journal **journal,
                          gm_error *error);
void gm_journal_close(gm_journal *journal);

#endif
