// A store in a data folder of its own for each test: set_up and tear_down, and opening it again.
#ifndef GEMEL_TESTS_STORE_OPENED_STORE_H
#define GEMEL_TESTS_STORE_OPENED_STORE_H

#include <stdlib.h>

#include "store/data_folder.h"
#include "store/store.h"

typedef struct opened_store {
    data_folder folder;
    gm_store *store;
    gm_journal *journal;
    gm_history *history;
} opened_store;

static inline void open_store(opened_store *fixture)
{
    gm_error error = { 0 };
    if (gm_store_open(fixture->folder.path, NULL, &fixture->store, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    fixture->journal = gm_store_journal(fixture->store);
    fixture->history = gm_store_history(fixture->store);
}

static inline void reopen_store(opened_store *fixture)
{
    gm_store_close(fixture->store);
    open_store(fixture);
}

static inline int set_up(void **state)
{
    opened_store *made = calloc(1, sizeof *made);
    made->folder = data_folder_make();
    open_store(made);
    *state = made;
    return 0;
}

static inline int tear_down(void **state)
{
    opened_store *fixture = *state;
    gm_store_close(fixture->store);
    data_folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

#endif
