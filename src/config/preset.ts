// What a preset changes: defaults of other options, nothing that a user could not set by hand.
import type { Config } from './option.ts'

export const presets: { readonly [P in Config['preset']]: Partial<Config> } = {
  // pillarbox-event-dispatcher: players post to /api/events from anywhere. The table's defaults.
  pillarbox: {},
  // emojitrack-gostreamer listens on 8001 and takes nothing over HTTP.
  emojitracker: { port: 8001, apiEvents: 'loopback' },
}
