// Turns a folder into one C file for gm_page_files (src/serve/page.h): `embed OUT.c [FOLDER]`. Runs
// while building. The bytes come in by the assembler's .incbin, so that nothing but the table goes
// through the compiler. The entity tag is 64-bit FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv).
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 1000, PATH_SIZE = 1024 };

typedef struct page_file {
    char path[PATH_SIZE];
    const char *type;
    size_t size;
    uint64_t hash;
} page_file;

static page_file files[FILES_MAX];
static size_t file_count;
static size_t root_length;

static const struct {
    const char *ending, *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".json", "application/json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".ico", "image/x-icon" },
    { ".woff2", "font/woff2" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".webmanifest", "application/manifest+json" },
};

static const char *type_of(const char *path)
{
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(ending, types[i].ending) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

// Called by nftw for everything in the folder; 1 stops the walk
static int add(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)place;
    if (kind != FTW_F) {
        return kind == FTW_D ? 0 : 1;
    }
    FILE *stream = fopen(path, "rb");
    if (!stream || file_count == FILES_MAX || strlen(path) >= PATH_SIZE ||
        strpbrk(path, "\"\\\n")) {
        fprintf(stderr, "embed: cannot take %s\n", path);
        if (stream) {
            fclose(stream);
        }
        return 1;
    }
    page_file *file = &files[file_count++];
    *file = (page_file){ .type = type_of(path), .hash = 0xcbf29ce484222325u };
    memcpy(file->path, path, strlen(path) + 1);
    for (int byte = fgetc(stream); byte != EOF; byte = fgetc(stream), file->size++) {
        file->hash = (file->hash ^ (unsigned char)byte) * 0x100000001b3u;
    }
    int failed = ferror(stream);
    fclose(stream);
    return failed;
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const page_file *)left)->path, ((const page_file *)right)->path);
}

static void print(FILE *out)
{
    fprintf(out, "// Made by tools/embed.c\n#include \"serve/page.h\"\n\n");
    for (size_t i = 0; i < file_count; i++) {
        fprintf(
            out,
            "__asm__(\".section .rodata\\n.balign 16\\n.hidden gm_page_%zu\\n\"\n"
            "        \".globl gm_page_%zu\\ngm_page_%zu:\\n.incbin \\\"%s\\\"\\n.previous\\n\");\n"
            "extern const unsigned char gm_page_%zu[];\n",
            i, i, i, files[i].path, i);
    }
    fprintf(out, "\nconst gm_page_file gm_page_files[] = {\n");
    for (size_t i = 0; i < file_count; i++) {
        fprintf(out, "    { \"%s\", \"%s\", gm_page_%zu, %zu, \"%016llx\" },\n",
                files[i].path + root_length, files[i].type, i, files[i].size,
                (unsigned long long)files[i].hash);
    }
    fprintf(out, "    { 0 },\n};\nconst size_t gm_page_file_count = %zu;\n", file_count);
}

int main(int count, char **arguments)
{
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: embed OUT.c [FOLDER]\n");
        return 2;
    }
    if (count == 3) {
        root_length = strlen(arguments[2]);
        if (nftw(arguments[2], add, 16, FTW_PHYS) != 0) {
            fprintf(stderr, "embed: cannot read %s\n", arguments[2]);
            return 1;
        }
        qsort(files, file_count, sizeof(files[0]), by_path);
    }
    FILE *out = fopen(arguments[1], "w");
    if (!out) {
        perror(arguments[1]);
        return 1;
    }
    print(out);
    if (fclose(out) != 0) {
        perror(arguments[1]);
        return 1;
    }
    return 0;
}
