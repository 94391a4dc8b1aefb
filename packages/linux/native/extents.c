#include "extents.h"
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Most files have one; a large one takes a few calls. */
#define AT_ONCE 64
#define NOT_PLACED (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL)

typedef struct {
  uint64_t logical, physical, length;
} Piece;

int extents_read(int fd, Extents *extents) {
  union {
    struct fiemap map;
    char room[sizeof(struct fiemap) + AT_ONCE * sizeof(struct fiemap_extent)];
  } call;
  XXH3_state_t hash;
  XXH3_64bits_reset(&hash);
  Piece piece = {0};
  uint64_t from = 0;
  bool last = false, inside = false;
  *extents = (Extents){.shareable = true};
  while (!last) {
    memset(&call, 0, sizeof call.map);
    call.map.fm_start = from;
    call.map.fm_length = FIEMAP_MAX_OFFSET - from;
    call.map.fm_flags = FIEMAP_FLAG_SYNC;
    call.map.fm_extent_count = AT_ONCE;
    if (ioctl(fd, FS_IOC_FIEMAP, &call.map) != 0) return errno;
    last = call.map.fm_mapped_extents < AT_ONCE;
    for (uint32_t at = 0; at < call.map.fm_mapped_extents; at++) {
      const struct fiemap_extent *extent = &call.map.fm_extents[at];
      if (extent->fe_flags & NOT_PLACED) extents->shareable = false;
      if (extent->fe_flags & FIEMAP_EXTENT_DATA_INLINE) inside = true;
      if (!(extent->fe_flags & (FIEMAP_EXTENT_SHARED | NOT_PLACED))) extents->exclusive += extent->fe_length;
      if (extent->fe_flags & FIEMAP_EXTENT_LAST) last = true;
      /* Neighbours are one piece however the file system splits them in its records. */
      if (piece.length > 0 && piece.logical + piece.length == extent->fe_logical && piece.physical + piece.length == extent->fe_physical) piece.length += extent->fe_length;
      else {
        XXH3_64bits_update(&hash, &piece, sizeof piece);
        piece = (Piece){extent->fe_logical, extent->fe_physical, extent->fe_length};
      }
      from = extent->fe_logical + extent->fe_length;
    }
  }
  XXH3_64bits_update(&hash, &piece, sizeof piece);
  extents->place = XXH3_64bits_digest(&hash);
  /* btrfs counts a whole block in st_blocks and in the extent's length. */
  struct stat stat;
  if (inside && fstat(fd, &stat) == 0) extents->exclusive += ((uint64_t)stat.st_size + 511) & ~511ULL;
  return 0;
}
