// Times as the documents have them. Any thread.

/** emojitrack-gostreamer's form: whole seconds, from ms. */
export function unixSeconds(unixMs: number): number {
  return Math.floor(unixMs / 1000)
}
