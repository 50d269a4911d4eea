// Checks that a Mach-O file is one that macOS maps and runs, as far as can be told from outside:
// segments, sections and the signature of every page. It reads what is written, and knows nothing
// of how it was made.
import { createHash } from 'node:crypto'
import { CODE_SIGNATURE, type MachO, readMachO, type Segment, segmentOf } from './macho.ts'

/** Function starts, data in code, the exports, the chained fixups: each an offset and a size. */
const LINK_DATA = [0x26, 0x29, 0x8000_0033, 0x8000_0034]

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

/** Throws where something is not as it must be. @param segment one that must be there */
export function checkExecutable(file: Buffer, segment: string): void {
  const machO = readMachO(file)
  must(machO.isProgram, 'not a program')
  checkSegments(file, machO)
  checkLinkData(file, machO)
  const { sections } = segmentOf(machO, segment)
  must(sections.length === 1 && (sections[0]?.size ?? 0) > 0, `${segment} has nothing in it`)
  checkSignature(file)
}

/** Segments lie in order, apart, on whole pages, and fill the file; sections lie in them. */
export function checkSegments(file: Buffer, machO: MachO): void {
  let address = 0
  let offset = 0
  for (const one of machO.segments) {
    must(one.address >= address, `${one.name} lies at ${one.address}, below ${address}`)
    must(one.address % machO.pageBytes === 0, `${one.name} begins within a page`)
    must(one.size >= one.fileSize, `${one.name} is smaller than in the file`)
    address = one.address + one.size
    if (one.fileSize > 0) {
      must(one.offset >= offset, `${one.name} lies at ${one.offset} in the file, below ${offset}`)
      must(one.offset % machO.pageBytes === 0, `${one.name} begins within a page of the file`)
      offset = one.offset + one.fileSize
    }
    checkSections(one, machO.commandsEnd)
  }
  must(machO.segments.at(-1)?.name === '__LINKEDIT', '__LINKEDIT is not the last segment')
  must(offset === file.length, `segments end at ${offset}, the file at ${file.length}`)
}

function checkSections({ name, address, size, offset, sections }: Segment, first: number): void {
  for (const one of sections) {
    const label = `${name},${one.name}`
    const isWithin = one.address >= address && one.address + one.size <= address + size
    must(isWithin, `${label} lies outside its segment`)
    if (one.offset === 0) continue
    must(one.offset >= first, `${label} lies in the commands`)
    must(one.offset - offset === one.address - address, `${label} is not where it is mapped`)
  }
}

/** What the linker left for the loader lies before the signature, in the last segment. */
function checkLinkData(file: Buffer, machO: MachO): void {
  const { offset } = segmentOf(machO, '__LINKEDIT')
  const signature = machO.commands.find(({ type }) => type === CODE_SIGNATURE)
  must(signature !== undefined, '0 signatures')
  const end = file.readUInt32LE((signature?.at as number) + 8)
  for (const { type, at } of machO.commands) {
    if (!LINK_DATA.includes(type)) continue
    const [begins, bytes] = [file.readUInt32LE(at + 8), file.readUInt32LE(at + 12)]
    const isWithin = begins >= offset && begins + bytes <= end
    must(isWithin, `what command ${type} leads to, at ${begins}, lies outside __LINKEDIT`)
  }
}

/** The signature is the last of the file, and the sum of each page is right. */
export function checkSignature(file: Buffer): void {
  const { commands } = readMachO(file)
  const found = commands.filter(({ type }) => type === CODE_SIGNATURE)
  must(found.length === 1, `${found.length} signatures`)
  const at = found[0]?.at as number
  const [offset, bytes] = [file.readUInt32LE(at + 8), file.readUInt32LE(at + 12)]
  must(offset % 16 === 0 && offset + bytes === file.length, 'the signature is not the end')
  const blob = file.subarray(offset)
  must(blob.readUInt32BE(0) === 0xfade0cc0, 'no signature where it should be')
  must(blob.readUInt32BE(4) === bytes, 'the signature has another size')
  must(blob.readUInt32BE(8) === 1 && blob.readUInt32BE(12) === 0, 'not a code directory alone')
  checkDirectory(file.subarray(0, offset), blob.subarray(blob.readUInt32BE(16)))
}

function checkDirectory(signed: Buffer, directory: Buffer): void {
  must(directory.readUInt32BE(0) === 0xfade0c02, 'no code directory')
  must(directory.readUInt32BE(4) === directory.length, 'the code directory has another size')
  must((directory.readUInt32BE(12) & 2) !== 0, 'not signed ad hoc')
  must(directory.readUInt32BE(32) === signed.length, 'not all is signed')
  must(directory[36] === 32 && directory[37] === 2, 'sums are not SHA-256')
  const pageBytes = 1 << (directory[39] as number)
  const pages = Math.ceil(signed.length / pageBytes)
  must(directory.readUInt32BE(28) === pages, `sums of ${directory.readUInt32BE(28)} pages`)
  const sums = directory.subarray(directory.readUInt32BE(16))
  must(sums.length === pages * 32, 'sums are missing')
  for (let page = 0; page < pages; page++) {
    const bytes = signed.subarray(page * pageBytes, (page + 1) * pageBytes)
    const sum = createHash('sha256').update(bytes).digest()
    must(sum.equals(sums.subarray(page * 32, page * 32 + 32)), `the sum of page ${page} is wrong`)
  }
}
