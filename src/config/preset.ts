// What a preset changes: defaults of other options, nothing that a user could not set by hand.
import { type Config, stageOf } from './option.ts'

type Preset = (env: NodeJS.ProcessEnv) => Partial<Config>

export const presets: { readonly [P in Config['preset']]: Preset } = {
  // pillarbox-event-dispatcher: players post to /api/events from anywhere. The table's defaults.
  pillarbox: () => ({}),
  // emojitrack-gostreamer: listens on 8001, takes its events from Redis and nothing over HTTP, and
  // reports its status to Redis where it serves the public.
  emojitracker: (env) => ({
    port: 8001,
    apiEvents: 'loopback',
    redisSubscriptions: [
      { channel: 'stream.score_updates', topic: '/raw' },
      { pattern: 'stream.tweet_updates.*', topic: '/details/{1}', event: '{channel}' },
    ],
    // 1/60 s, as its score packer has it.
    rollups: [{ from: '/raw', to: '/eps', everyMs: 17 }],
    ...(['staging', 'production'].includes(stageOf(env)) && { statusReportSeconds: 5 }),
  }),
}
