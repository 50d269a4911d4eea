// Tokens that stand in files, as secrets do that an orchestrator mounts. Main thread, once, at start.
import { readFileSync } from 'node:fs'
import { CarillonError, messageOf } from '../error.ts'
import { flagOf } from './flag.ts'
import type { Config } from './option.ts'
import { isToken, TOKEN_FORM } from './token.ts'

/** The options that are tokens; each has a twin that names files of them. */
type TokenOption = 'publishToken' | 'adminToken' | 'subscribeToken'

/** The options that are tokens, with those of their files. @throws CarillonError see readTokenFile */
export function allTokens(config: Config): Pick<Config, TokenOption> {
  const all = (name: TokenOption): readonly string[] => {
    const label = flagOf(`${name}File`)
    return [...config[name], ...config[`${name}File`].flatMap((path) => readTokenFile(path, label))]
  }
  return {
    publishToken: all('publishToken'),
    adminToken: all('adminToken'),
    subscribeToken: all('subscribeToken'),
  }
}

/**
 * Reads the tokens of a file, one a line.
 * @param label the option, for errors, which name lines and show no token
 * @throws CarillonError for a file that cannot be read, has no token, or a line that is none
 */
export function readTokenFile(path: string, label: string): string[] {
  const bad = (why: string, cause?: unknown): CarillonError => {
    return new CarillonError('bad_value', `${label}: ${path}: ${why}`, { cause })
  }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw bad(messageOf(cause), cause)
  }
  const tokens: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const token = line.trim()
    if (token === '' || token.startsWith('#')) continue
    if (!isToken(token)) throw bad(`line ${index + 1} is no token: ${TOKEN_FORM}`)
    tokens.push(token)
  }
  if (tokens.length === 0) throw bad('it has no token')
  return tokens
}
