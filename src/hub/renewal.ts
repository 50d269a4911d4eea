// A renewal of the certificate: every shard is asked, and each answers or dies. Main thread.
import { CarillonError } from '../error.ts'

export class Renewal {
  readonly #asked = new Set<number>()
  readonly #faults: string[] = []
  #settle: () => void = () => {}

  /**
   * One at a time. Resolves when every shard has renewed or is gone: one that is started again
   * reads the files by itself.
   * @throws CarillonError where shards could not; they keep the certificate that they have
   */
  async ask(shards: Iterable<number>, tell: (shard: number) => void): Promise<void> {
    this.#faults.length = 0
    for (const shard of shards) this.#asked.add(shard)
    if (this.#asked.size === 0) return
    const settled = new Promise<void>((resolve) => {
      this.#settle = resolve
    })
    for (const shard of this.#asked) tell(shard)
    await settled
    if (this.#faults.length > 0) {
      throw new CarillonError('certificate_not_renewed', this.#faults.join('; '))
    }
  }

  /** The shard has renewed, or could not. */
  answered(shard: number, fault: string | undefined): void {
    if (fault !== undefined) this.#faults.push(`shard ${shard}: ${fault}`)
    this.gone(shard)
  }

  /** No answer of it will come any more. */
  gone(shard: number): void {
    if (this.#asked.delete(shard) && this.#asked.size === 0) this.#settle()
  }
}
