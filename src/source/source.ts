// The contract of a source: where events come from besides HTTP. Main thread.
import type { EventFields } from '../event/frame.ts'
import type { SourceState } from '../hub/message.ts'

/** Takes a source's events, in the order of the calls; false means that one was dropped. */
export interface Sink {
  publish(topic: string, fields: EventFields, data: Uint8Array): boolean
}

/**
 * Order: events are published in the order in which the source has them.
 * Loss: a source that is lost says so in its state, comes back by itself, and goes on with what
 * comes then; whether it has what came meanwhile is the source's nature.
 * Nothing it does ends the process once it has started.
 */
export interface Source {
  /** May be read at any time. */
  readonly state: SourceState
  /**
   * Resolves when events can come; at once where it is to wait for the source.
   * @throws CarillonError `source_unreachable`
   */
  start(): Promise<void>
  /** After it nothing is published any more. */
  stop(): void
}
