// Reports the status to where the operator collects it, as emojitrack-gostreamer did: every few
// seconds, under this server's name. Main thread. A failure is logged and nothing more.
import type { Logger } from 'pino'
import { messageOf } from '../error.ts'
import type { StatusPages } from './status.ts'

/** Starts to report. @returns what ends it: nothing is written or logged after that */
export function reportStatus(
  everySeconds: number,
  ask: (done: (pages: StatusPages) => void) => void,
  write: (text: string) => Promise<void>,
  log: Logger,
): () => void {
  let isBusy = false
  let isStopped = false
  /** Undefined while reports arrive. */
  let failure: string | undefined

  const settle = (error: string | undefined): void => {
    isBusy = false
    if (isStopped || error === failure) return
    if (error !== undefined) log.warn({ error }, 'status not reported')
    else log.info('status reported again')
    failure = error
  }
  const report = (): void => {
    // The one before has not arrived: another would only queue up behind it.
    if (isBusy) return
    isBusy = true
    ask((pages) => {
      collect(pages, (text) => {
        if (isStopped) return
        write(text).then(
          () => settle(undefined),
          (error: unknown) => settle(messageOf(error)),
        )
      })
    })
  }
  const timer = setInterval(report, everySeconds * 1000)
  return () => {
    isStopped = true
    clearInterval(timer)
  }
}

/** All pages as one text, a page a turn. */
function collect(pages: StatusPages, done: (text: string) => void): void {
  const texts: string[] = []
  const next = (): void => {
    const page = pages.next()
    texts.push(page.value)
    if (page.done) done(texts.join(''))
    else setImmediate(next)
  }
  next()
}
