/**
 * A template manifest is a sequence of frames, each readable by itself:
 *
 *   u32 bytes of the body · u32 bytes of the body unpacked · u32 entries · SHA-256 of the body · body
 *
 * The body is zstd; unpacked it holds that many records, sorted by path bytes. Frames can be sent,
 * stored and verified one by one, so a broken transfer goes on after the last whole frame. A frame
 * of 0 entries ends the manifest; its body is the SHA-256 over the digests of all frames before,
 * which is the manifest's name.
 */
export const frameHeaderBytes = 4 + 4 + 4 + 32;

/** Bytes of records in a frame: enough for zstd to find the repeats, small enough for any message limit. */
export const frameTarget = 256 * 1024;

/** Largest frame a reader unpacks: one record may overshoot the target by a path, attributes and a link target. */
export const largestFrame = 1024 * 1024;
