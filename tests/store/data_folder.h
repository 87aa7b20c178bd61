// A fresh folder under /tmp for a test, and its removal.
#ifndef GEMEL_TESTS_STORE_DATA_FOLDER_H
#define GEMEL_TESTS_STORE_DATA_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct data_folder {
    char path[64];
} data_folder;

static inline data_folder data_folder_make(void)
{
    data_folder folder = { "/tmp/gemel-store-XXXXXX" };
    if (mkdtemp(folder.path) == NULL) {
        abort();
    }
    return folder;
}

static inline int data_folder_remove_one(const char *path, const struct stat *about, int kind,
                                         struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void data_folder_remove(const data_folder *folder)
{
    nftw(folder->path, data_folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
