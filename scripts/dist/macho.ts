// Reads the headers of a Mach-O file, the format of macOS's programs: 64 bits, little-endian, one
// architecture. After <mach-o/loader.h>.

const MAGIC_64 = 0xfeedfacf
const CPU_ARM64 = 0x0100000c
const HEADER_BYTES = 32
const SEGMENT_64 = 0x19
const SEGMENT_BYTES = 72
const SECTION_BYTES = 80
export const CODE_SIGNATURE = 0x1d
/** A program; an addon is another. */
const EXECUTE = 2

interface Command {
  readonly type: number
  /** Where it begins in the file. */
  readonly at: number
  readonly bytes: number
}

interface Section {
  readonly name: string
  readonly address: number
  readonly size: number
  /** 0 for one of zeros, which has nothing in the file. */
  readonly offset: number
}

export interface Segment {
  readonly name: string
  /** Where its command begins in the file. */
  readonly at: number
  readonly address: number
  readonly size: number
  readonly offset: number
  readonly fileSize: number
  readonly sections: readonly Section[]
}

export interface MachO {
  readonly isProgram: boolean
  /** What the system maps at a time. */
  readonly pageBytes: number
  readonly commands: readonly Command[]
  /** Where the commands end. */
  readonly commandsEnd: number
  readonly segments: readonly Segment[]
}

export function readMachO(file: Buffer): MachO {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new Error('not a Mach-O file of 64 bits')
  const commands: Command[] = []
  let at = HEADER_BYTES
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    const bytes = file.readUInt32LE(at + 4)
    if (bytes < 8 || bytes % 8 !== 0) throw new Error(`a command of ${bytes} bytes`)
    commands.push({ type: file.readUInt32LE(at), at, bytes })
    at += bytes
  }
  const size = file.readUInt32LE(20)
  if (at !== HEADER_BYTES + size) throw new Error(`commands of ${at - HEADER_BYTES}, not ${size}`)
  return {
    isProgram: file.readUInt32LE(12) === EXECUTE,
    pageBytes: file.readUInt32LE(4) === CPU_ARM64 ? 0x4000 : 0x1000,
    commands,
    commandsEnd: at,
    segments: commands.filter(({ type }) => type === SEGMENT_64).map((one) => segment(file, one)),
  }
}

/** The segment of this name; the last one is `__LINKEDIT`. */
export function segmentOf({ segments }: MachO, name: string): Segment {
  const found = segments.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no segment ${name}`)
  return found
}

function segment(file: Buffer, { at, bytes }: Command): Segment {
  const count = file.readUInt32LE(at + 64)
  if (bytes !== SEGMENT_BYTES + count * SECTION_BYTES) throw new Error(`${count} sections at ${at}`)
  return {
    name: text(file, at + 8),
    at,
    address: number(file, at + 24),
    size: number(file, at + 32),
    offset: number(file, at + 40),
    fileSize: number(file, at + 48),
    sections: Array.from({ length: count }, (_, index) =>
      section(file, at + SEGMENT_BYTES + index * SECTION_BYTES),
    ),
  }
}

function section(file: Buffer, at: number): Section {
  return {
    name: text(file, at),
    address: number(file, at + 32),
    size: number(file, at + 40),
    offset: file.readUInt32LE(at + 48),
  }
}

function text(file: Buffer, at: number): string {
  return file.toString('latin1', at, at + 16).replace(/\0+$/, '')
}

/** Addresses have 33 bits: numbers hold them exactly. */
function number(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at))
}
