export { type LoopFs, type LoopFsType, loopFsSkipReason, loopFsTypes, openLoopFs, withLoopFs } from "./loop-fs.ts";
export { run, type RunOptions } from "./run.ts";
export { temporaryDirectory, type TemporaryDirectory } from "./temporary-directory.ts";
export { startRedis, type TestRedis } from "./redis-server.ts";
