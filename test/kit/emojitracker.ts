// The feed of Emojitracker in small: score updates and tweets, published to Redis on the channels
// and in the form that its feeder uses.
import type { redisClient } from './redis.ts'

/** One is far more frequent, as in life; ids of several code points are joined by a hyphen. */
const IDS = ['2665', '1F602', '2665', '1F680', '2665', '1F1E8-1F1F3', '2665', '0023-20E3'] as const

const TURN_MS = 10
const TURNS_PER_TWEET = 5
/** Of so many turns the last ones are quiet: there must be periods with nothing to count. */
const TURNS_PER_CYCLE = 100
const QUIET_TURNS = 30

function tweet(id: string, number: number): string {
  return JSON.stringify({
    id: `${451196288952844288n + BigInt(number)}`,
    text: `two lines\n"and" ${String.fromCodePoint(...id.split('-').map((hex) => Number(`0x${hex}`)))}`,
    screen_name: 'example',
    name: '눈꽃✻',
    links: [],
    profile_image_url: 'https://images.example/normal.jpeg',
    created_at: new Date().toISOString(),
  })
}

/** Publishes until the function it returns is called. */
export function publishEmoji(client: Awaited<ReturnType<typeof redisClient>>): () => void {
  let turn = 0
  // A failure shows as messages that do not come.
  const publish = (channel: string, text: string): void => {
    client.publish(channel, text).catch(() => {})
  }
  const timer = setInterval(() => {
    if (++turn % TURNS_PER_CYCLE >= TURNS_PER_CYCLE - QUIET_TURNS) return
    const id = IDS[turn % IDS.length] as string
    for (let times = turn % 3; times >= 0; times--) publish('stream.score_updates', id)
    if (turn % TURNS_PER_TWEET === 0) publish(`stream.tweet_updates.${id}`, tweet(id, turn))
  }, TURN_MS)
  return () => clearInterval(timer)
}
