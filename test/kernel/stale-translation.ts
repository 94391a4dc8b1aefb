/**
 * Whether the emulator, not the machine, is at fault for a panic: QEMU before 8.1 (Debian 12 has 7.2) now and then goes on
 * running what it translated from code that the kernel has patched since, and meets the breakpoint that stood there for the
 * moment of patching, as no processor would (fixed by QEMU's commit deba78709a, "accel/tcg: Always lock pages before
 * translation"). The kernel patches whenever programs are attached and whenever one of its static keys changes. Told by the
 * bytes in memory: where a breakpoint was met, there is none (0xcc).
 */
export function isStaleTranslation(log: string): boolean {
  const oops = /\bint3: 0000 \[#1\][^]*?\bCode: ([0-9a-f ]+)<[0-9a-f]{2}>/u.exec(log);
  return oops?.[1] !== undefined && !oops[1].trimEnd().endsWith("cc");
}
