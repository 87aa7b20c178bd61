// Replays a fuzz target's corpus in an ordinary build: `fuzz_x FOLDER` feeds it every file there,
// and every prefix and single-byte change of the small ones, which is what a fuzzer tries first.
// Prints how many inputs it took.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20, SMALL_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// The target sees a block of exactly `size` bytes, so that the address sanitizer sees a read past
// its end
static void feed(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (!exact) {
        abort();
    }
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static size_t feed_neighbours(uint8_t *bytes, size_t size)
{
    static const uint8_t changes[] = { 0x00, 0xff, 0x80, '\n', '"', '{', '9', '-' };
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        feed(bytes, i);
        uint8_t original = bytes[i];
        bytes[i] = changes[i % sizeof(changes)];
        feed(bytes, size);
        bytes[i] = original;
        count += 2;
    }
    return count;
}

static size_t feed_file(const char *path, uint8_t *bytes)
{
    FILE *stream = fopen(path, "rb");
    if (!stream) {
        perror(path);
        exit(1);
    }
    size_t size = fread(bytes, 1, INPUT_MAX, stream);
    fclose(stream);
    feed(bytes, size);
    return 1 + (size <= SMALL_MAX ? feed_neighbours(bytes, size) : 0);
}

int main(int count, char **arguments)
{
    DIR *folder = count == 2 ? opendir(arguments[1]) : NULL;
    uint8_t *bytes = malloc(INPUT_MAX);
    if (!folder || !bytes) {
        fprintf(stderr, "%s: no corpus folder %s\n", arguments[0], count == 2 ? arguments[1] : "");
        free(bytes);
        return 2;
    }
    size_t input_count = 0, file_count = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char path[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", arguments[1], entry->d_name);
        input_count += feed_file(path, bytes);
        file_count++;
    }
    closedir(folder);
    free(bytes);
    printf("%zu files, %zu inputs\n", file_count, input_count);
    return file_count > 0 ? 0 : 1;
}
