// Git for repositories that a test makes. Within a hook git tells its children by the environment
// which repository they are in: with that, a test would write into the one that it is a part of.
import { execFileSync } from 'node:child_process'

/** The environment, without what says where git is, and without the user's own settings of it. */
export function gitEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  return {
    ...Object.fromEntries(own),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@example.org',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@example.org',
  }
}

export function git(folder: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    env: gitEnvironment(),
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** The files of the project that are or could be committed. */
export function trackedFiles(root: string): string[] {
  // Where the folder is another user's, as in a container, git wants to be told that it may read it.
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  return git(root, '-c', `safe.directory=${root.replace(/\/$/, '')}`, ...list)
    .split('\0')
    .filter(Boolean)
}
