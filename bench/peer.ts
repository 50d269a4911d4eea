// A server that is measured beside ours: the floor, nginx with nchan, or one named by --peer.

export interface Peer {
  readonly name: string
  readonly subscribeUrl: string
  readonly publishUrl: string
  /** A header for publishing, such as `Authorization: Bearer …`. */
  readonly header?: string
  /** The process whose CPU time and memory count; unknown for a server that we did not start. */
  readonly pid?: number
  stop(): Promise<void>
}
