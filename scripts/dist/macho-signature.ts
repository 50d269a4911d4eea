// Signs a Mach-O file as Apple's linker does, "ad hoc": with the sums of its pages and nobody's
// name. macOS on arm64 runs nothing without one. After Apple's <kern/cs_blobs.h>.
import { createHash } from 'node:crypto'
import { CODE_SIGNATURE, type MachO, readMachO, type Segment, segmentOf } from './macho.ts'

const SUPER_BLOB = 0xfade0cc0
const CODE_DIRECTORY = 0xfade0c02
/** The version that has the range of the program's code. */
const VERSION = 0x20400
/** CS_ADHOC and CS_LINKER_SIGNED. */
const FLAGS = 0x20002
const SHA256 = 2
const HASH_BYTES = 32
/** Pages of signatures, also where the system's are larger. */
const PAGE_BITS = 12
const PAGE_BYTES = 1 << PAGE_BITS
const COMMAND_BYTES = 16
/** The super blob with its one entry, before the code directory. */
const SUPER_BYTES = 20
const DIRECTORY_BYTES = 88
/** CS_EXECSEG_MAIN_BINARY */
const IS_PROGRAM = 1

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}

/** The file without its signature; as it is where it has none. */
export function unsign(file: Buffer): Buffer {
  const machO = readMachO(file)
  const { commands } = machO
  const last = commands.at(-1)
  if (!commands.some(({ type }) => type === CODE_SIGNATURE)) return Buffer.from(file)
  if (last?.type !== CODE_SIGNATURE) throw new Error('the signature is not the last command')
  const unsigned = Buffer.from(file.subarray(0, file.readUInt32LE(last.at + 8)))
  unsigned.fill(0, last.at, last.at + last.bytes)
  unsigned.writeUInt32LE(commands.length - 1, 16)
  unsigned.writeUInt32LE(unsigned.readUInt32LE(20) - last.bytes, 20)
  const linkEdit = segmentOf(machO, '__LINKEDIT')
  setFileSize(unsigned, linkEdit, unsigned.length - linkEdit.offset)
  return unsigned
}

/** The file with a new signature. @param identifier the name of the program in it */
export function sign(file: Buffer, identifier: string): Buffer {
  const unsigned = unsign(file)
  const machO = readMachO(unsigned)
  const { commands, commandsEnd, pageBytes } = machO
  const linkEdit = segmentOf(machO, '__LINKEDIT')
  if (linkEdit.offset + linkEdit.fileSize !== unsigned.length) {
    throw new Error('__LINKEDIT does not end with the file')
  }
  const offsets = machO.segments.flatMap(({ sections }) => sections.map(({ offset }) => offset))
  const first = Math.min(...offsets.filter((offset) => offset > 0))
  if (commandsEnd + COMMAND_BYTES > first) throw new Error('no room for another command')

  const limit = roundUp(unsigned.length, 16)
  const name = Buffer.from(`${identifier}\0`)
  const sumsBytes = Math.ceil(limit / PAGE_BYTES) * HASH_BYTES
  const bytes = SUPER_BYTES + DIRECTORY_BYTES + name.length + sumsBytes
  const signed = Buffer.alloc(limit + bytes)
  unsigned.copy(signed)

  signed.writeUInt32LE(commands.length + 1, 16)
  signed.writeUInt32LE(signed.readUInt32LE(20) + COMMAND_BYTES, 20)
  for (const [index, value] of [CODE_SIGNATURE, COMMAND_BYTES, limit, bytes].entries()) {
    signed.writeUInt32LE(value, commandsEnd + index * 4)
  }
  const fileSize = signed.length - linkEdit.offset
  setFileSize(signed, linkEdit, fileSize)
  signed.writeBigUInt64LE(BigInt(roundUp(fileSize, pageBytes)), linkEdit.at + 32)
  // Last: what is above is in the first page, and signed too.
  writeBlob(signed, limit, name, machO)
  return signed
}

/** The super blob has one entry: the code directory, in slot 0, right behind it. Big-endian. */
function writeBlob(signed: Buffer, limit: number, name: Buffer, machO: MachO): void {
  const blob = signed.subarray(limit)
  for (const [index, value] of [SUPER_BLOB, blob.length, 1, 0, SUPER_BYTES].entries()) {
    blob.writeUInt32BE(value, index * 4)
  }
  const directory = blob.subarray(SUPER_BYTES)
  const sumsAt = DIRECTORY_BYTES + name.length
  const pages = Math.ceil(limit / PAGE_BYTES)
  const special = 0
  const head = [CODE_DIRECTORY, directory.length, VERSION, FLAGS, sumsAt, DIRECTORY_BYTES]
  for (const [index, value] of [...head, special, pages, limit].entries()) {
    directory.writeUInt32BE(value, index * 4)
  }
  directory.set([HASH_BYTES, SHA256, 0, PAGE_BITS], 36)
  const code = segmentOf(machO, '__TEXT')
  directory.writeBigUInt64BE(BigInt(code.offset), 64)
  directory.writeBigUInt64BE(BigInt(code.fileSize), 72)
  directory.writeBigUInt64BE(BigInt(machO.isProgram ? IS_PROGRAM : 0), 80)
  name.copy(directory, DIRECTORY_BYTES)
  pageSums(signed.subarray(0, limit)).copy(directory, sumsAt)
}

/** The sums of the pages, one after the other. */
function pageSums(signed: Buffer): Buffer {
  const sums: Buffer[] = []
  for (let at = 0; at < signed.length; at += PAGE_BYTES) {
    sums.push(
      createHash('sha256')
        .update(signed.subarray(at, at + PAGE_BYTES))
        .digest(),
    )
  }
  return Buffer.concat(sums)
}

function setFileSize(file: Buffer, { at }: Segment, fileSize: number): void {
  file.writeBigUInt64LE(BigInt(fileSize), at + 48)
}
