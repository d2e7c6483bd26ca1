/* Reads the cases of tests/vectors, as `cargo xtask` hands them to C and C++ programs: a file of
 * netstrings (length in decimal, a colon, the bytes, a comma). A case is, in this order:
 *
 *   id, status, now, provider (empty for none), number of headers, then each header's name and value,
 *   and last the body or the whole stream.
 *
 * Numbers are written in decimal. A malformed file ends the program. */
#ifndef CASES_H
#define CASES_H

#include <resayil.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE_HEADERS 200

typedef struct {
    const char *data;
    size_t len;
} field;

typedef struct {
    uint32_t status;
    double now;
    char provider[64];
    size_t header_count;
    resayil_header headers[CASE_HEADERS];
    field body;
} test_case;

typedef struct {
    char *data;
    size_t len, at;
} case_file;

static void case_fail(const char *what) {
    fprintf(stderr, "cases: %s\n", what);
    exit(2);
}

static case_file case_file_read(const char *path) {
    case_file file = {NULL, 0, 0};
    FILE *stream = fopen(path, "rb");
    long size;
    if (stream == NULL || fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0) {
        case_fail("the file cannot be read");
        return file;
    }
    rewind(stream);
    file.len = (size_t)size;
    file.data = (char *)malloc(file.len + 1);
    if (file.data == NULL || fread(file.data, 1, file.len, stream) != file.len) {
        case_fail("the file cannot be read");
    }
    file.data[file.len] = '\0';
    fclose(stream);
    return file;
}

static field case_field(case_file *file) {
    field found = {NULL, 0};
    char *end;
    unsigned long len = strtoul(file->data + file->at, &end, 10);
    size_t start = (size_t)(end - file->data) + 1;
    if (*end != ':' || start + len >= file->len || file->data[start + len] != ',') {
        case_fail("no netstring");
    }
    found.data = file->data + start;
    found.len = len;
    /* The comma becomes the NUL that numbers and names need. */
    file->data[start + len] = '\0';
    file->at = start + len + 1;
    return found;
}

/* Reads the next case; says whether there is one. */
static bool case_next(case_file *file, test_case *into) {
    field part;
    size_t index;
    if (file->at == file->len) {
        return false;
    }
    (void)case_field(file); /* the id is for people who look into the file */
    into->status = (uint32_t)strtoul(case_field(file).data, NULL, 10);
    into->now = strtod(case_field(file).data, NULL);
    part = case_field(file);
    if (part.len >= sizeof into->provider) {
        case_fail("a long provider");
    }
    memcpy(into->provider, part.data, part.len + 1);
    into->header_count = strtoul(case_field(file).data, NULL, 10);
    if (into->header_count > CASE_HEADERS) {
        case_fail("many headers");
    }
    for (index = 0; index < into->header_count; index++) {
        part = case_field(file);
        into->headers[index].name = part.data;
        into->headers[index].name_len = part.len;
        part = case_field(file);
        into->headers[index].value = part.data;
        into->headers[index].value_len = part.len;
    }
    into->body = case_field(file);
    return true;
}

#endif
