import { closeSync, existsSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { spawnSync } from "node:child_process";

/**
 * A guest at its worst, until a file called `stop` appears beside it: swaps directories for symlinks out of the guest,
 * renames, truncates, appends, rewrites with the old time, replaces files by links and FIFOs. Every write it makes it
 * reads back: what it wrote and cannot find is lost. Prints `{operations, lost}`.
 */
const [root = "", outside = "", stop = ""] = process.argv.slice(2);
const writtenAt = 1_700_000_000;
const count = 40;
const path = (index: number) => `${root}/usr/f${index}`;
const original = (index: number) => `${index} of all\n`.repeat(500);
const lost: string[] = [];
let operations = 0;
let serial = 0;

const actions: readonly ((index: number) => void)[] = [
  // Written in place, and found there again.
  (index) => {
    const text = `written ${serial++} `;
    const fd = openSync(path(index), "r+");
    try {
      writeSync(fd, text, 0);
    } finally {
      closeSync(fd);
    }
    if (!readFileSync(path(index), "utf8").startsWith(text)) lost.push(`in place: ${text}`);
  },
  // The old content with the old time: equal to the others' again.
  (index) => {
    writeFileSync(path(index), original(index));
    utimesSync(path(index), writtenAt, writtenAt);
    if (readFileSync(path(index), "utf8") !== original(index)) lost.push(`rewritten: ${index}`);
  },
  // Another content of the same size with the old time: only reading tells.
  (index) => {
    const text = original(index).replaceAll("a", "b");
    writeFileSync(path(index), text);
    utimesSync(path(index), writtenAt, writtenAt);
    if (readFileSync(path(index), "utf8") !== text) lost.push(`disguised: ${index}`);
  },
  (index) => {
    const text = `replaced ${serial++} ${original(index)}`;
    writeFileSync(`${path(index)}.new`, text);
    renameSync(`${path(index)}.new`, path(index));
    if (readFileSync(path(index), "utf8") !== text) lost.push(`replaced: ${index}`);
  },
  (index) => {
    truncateSync(path(index), 100);
    if (readFileSync(path(index)).length !== 100) lost.push(`truncated: ${index}`);
  },
  (index) => {
    writeFileSync(path(index), "more", { flag: "a" });
    if (!readFileSync(path(index), "utf8").endsWith("more")) lost.push(`appended: ${index}`);
  },
  (index) => {
    rmSync(path(index), { force: true });
    linkSync(path((index + 1) % count), path(index));
  },
  (index) => {
    rmSync(path(index), { force: true });
    symlinkSync(`${outside}/secret`, path(index));
    unlinkSync(path(index));
    writeFileSync(path(index), original(index));
    utimesSync(path(index), writtenAt, writtenAt);
  },
  () => {
    renameSync(`${root}/usr`, `${root}/usr.real`);
    symlinkSync(outside, `${root}/usr`);
    unlinkSync(`${root}/usr`);
    renameSync(`${root}/usr.real`, `${root}/usr`);
  },
];

mkdirSync(`${root}/usr`, { recursive: true });
while (operations % 64 !== 0 || !existsSync(stop)) {
  operations++;
  const index = Math.floor(Math.random() * count);
  try {
    // A program takes longer to start than everything else here; now and then is enough.
    if (operations % 5000 === 0) {
      rmSync(path(index), { force: true });
      spawnSync("mkfifo", [path(index)]);
      rmSync(path(index), { force: true });
      writeFileSync(path(index), original(index));
    } else actions[Math.floor(Math.random() * actions.length)]?.(index);
  } catch (error) {
    // A guarded file refuses (EPERM), and a name of ours may be away at the moment (ENOENT, ELOOP, EEXIST): no write was made.
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["EPERM", "ENOENT", "ELOOP", "EEXIST", "ENXIO"].includes(code)) lost.push(String(error));
    if (existsSync(`${root}/usr.real`)) {
      rmSync(`${root}/usr`, { force: true });
      renameSync(`${root}/usr.real`, `${root}/usr`);
    }
  }
}
console.log(JSON.stringify({ operations, lost: lost.slice(0, 20) }));
