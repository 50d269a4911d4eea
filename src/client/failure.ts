// Why a command of the client could not do what it was told: one line, for people. Main thread.

/** Ends the command with exit code 1; what it was told wrongly is a CarillonError, and 2. */
export class Failure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(
      plain(message)
        .trim()
        .replace(/\s*\n\s*/g, ' '),
      options,
    )
    this.name = 'Failure'
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is looked for.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/**
 * A text of others that may go to a terminal: its control characters, which could move the cursor,
 * change the title or answer as if typed, are shown as escapes. Tab and line feed stay.
 */
export function plain(text: string): string {
  return text.replace(CONTROL, (control) => {
    return `\\x${(control.codePointAt(0) as number).toString(16).padStart(2, '0')}`
  })
}

/** What went wrong with a connection. Of a name with several addresses, the error has no message. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return message || code || String(error)
}
