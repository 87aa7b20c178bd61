// The web page inside the program: a table that the build generates from the files of web/.
#ifndef GEMEL_SERVE_PAGE_H
#define GEMEL_SERVE_PAGE_H

#include <stddef.h>

/// One file of the page. Constant for the life of the program.
typedef struct gm_page_file {
    const char *path; // as a browser asks for it: "/index.html", "/assets/index-4f1c.js"
    const char *type; // media type
    const unsigned char *bytes;
    size_t size;
    const char *etag; // 16 hex digits made of the bytes, without quotes
} gm_page_file;

/// Ordered by path (strcmp); empty when the program was built without the page.
extern const gm_page_file gm_page_files[];
extern const size_t gm_page_file_count;

#endif
