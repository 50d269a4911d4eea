// The systems that single-file executables are made for, and what each wants.

export interface Target {
  /** As `scripts/node22.sh` and the addon's file have it: linux-x64. */
  readonly platform: 'linux' | 'darwin'
  readonly arch: 'x64' | 'arm64'
  /** Takes the symbols for debuggers off, a fifth of the file, before anything is put in. */
  readonly strip?: string
}

export const targets: Readonly<Record<string, Target>> = {
  'linux-amd64': { platform: 'linux', arch: 'x64', strip: 'x86_64-linux-gnu-strip' },
  'linux-arm64': { platform: 'linux', arch: 'arm64', strip: 'aarch64-linux-gnu-strip' },
  'darwin-amd64': { platform: 'darwin', arch: 'x64' },
  'darwin-arm64': { platform: 'darwin', arch: 'arm64' },
}
