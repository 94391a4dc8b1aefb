#pragma once
#include <stddef.h>
#include <stdint.h>
#include "control.h"

/* Records appended one after the other, for JavaScript to take apart: src/describe.ts is the other side. */
typedef struct {
  uint8_t *bytes;
  size_t length, room;
} Records;

/*
 * Every name below `root`, directories before what they hold, in no other order. A record:
 *   u32 errno · u32 st_mode · u32 uid · u32 gid · u64 size · u64 st_rdev · u32 path bytes · u32 target bytes · path · target
 * Symbolic links, mount points and `..` are never followed. What cannot be read has its errno. Returns 0 or an errno.
 */
int list_below(int root, Records *records, Control *control);

/*
 * Reads files and directories named by NUL-terminated paths: content digest, extended attributes, what kind of content. A record each:
 *   u32 errno · u32 flags · u64 size · u32 st_mode · u32 uid · u32 gid · u32 attributes · SHA-256 · (u32 name bytes · u32 value bytes · name · value)…
 * Returns 0 or an errno.
 */
int describe_paths(int root, const char *paths, size_t size, Records *records, Control *control);

#define DESCRIBE_ELF 1u     /* begins with the ELF magic number */
#define DESCRIBE_CHANGED 2u /* changed while it was read */
