/** Numbers of DWARF 4 (sections 7.5 to 7.21) and the GNU extensions GCC emits with it. */
export const FORM = {
  addr: 0x01, block2: 0x03, block4: 0x04, data2: 0x05, data4: 0x06, data8: 0x07, string: 0x08, block: 0x09,
  block1: 0x0a, data1: 0x0b, flag: 0x0c, sdata: 0x0d, strp: 0x0e, udata: 0x0f, refAddr: 0x10, ref1: 0x11,
  ref2: 0x12, ref4: 0x13, ref8: 0x14, refUdata: 0x15, indirect: 0x16, secOffset: 0x17, exprloc: 0x18,
  flagPresent: 0x19, refSig8: 0x20, gnuRefAlt: 0x1f20, gnuStrpAlt: 0x1f21,
} as const; // prettier-ignore

export const AT = {
  location: 0x02,
  lowPc: 0x11,
  stringLength: 0x19,
  startScope: 0x2c,
  returnAddr: 0x2a,
  dataMemberLocation: 0x38,
  frameBase: 0x40,
  segment: 0x46,
  staticLink: 0x48,
  useLocation: 0x4a,
  vtableElemLocation: 0x4d,
  ranges: 0x55,
  callValue: 0x2111,
  callDataValue: 0x2112,
  callTarget: 0x2113,
  callTargetClobbered: 0x2114,
} as const;

/** Attributes whose offset form points into `.debug_loc`. */
export const locationAttributes = new Set<number>([
  AT.location, AT.stringLength, AT.returnAddr, AT.dataMemberLocation, AT.frameBase, AT.segment,
  AT.staticLink, AT.useLocation, AT.vtableElemLocation,
]); // prettier-ignore

/** Attributes whose block forms hold a location expression. */
export const expressionAttributes = new Set<number>([...locationAttributes, AT.callValue, AT.callDataValue, AT.callTarget, AT.callTargetClobbered]);

