// The long lists of the admin page: connections and topics.
import { age, count, units } from './figure.ts'
import { List } from './list.ts'

interface ConnectionRow {
  readonly client_ip: string
  readonly user_agent: string
  readonly namespace: string
  readonly created_at: number
  readonly msgs_sent: number
  readonly lag_bytes: number
  readonly msgs_skipped: number
  readonly shard: number
}

interface TopicRow {
  readonly topic: string
  readonly subscribers: number
  readonly events_per_second: number
  readonly deliveries_per_second: number
}

export function listConnections(place: HTMLElement, token: () => string): void {
  const number = { isNumber: true, isDescendingFirst: true }
  new List<ConnectionRow>(
    place,
    {
      path: 'connections.json',
      field: 'connections',
      title: 'Connections',
      filter: 'Filter by address, agent, topic',
      sort: 'created_at',
      isDescending: true,
      columns: [
        { title: 'Address', text: (row) => row.client_ip, sort: 'client_ip', width: 16 },
        { title: 'Topic', text: (row) => row.namespace, sort: 'namespace' },
        { title: 'Agent', text: (row) => row.user_agent, sort: 'user_agent', width: 24 },
        {
          title: 'Age',
          text: (row) => age(row.created_at),
          sort: 'created_at',
          isReversed: true,
          width: 9,
          ...number,
        },
        {
          title: 'Sent',
          text: (row) => count(row.msgs_sent),
          sort: 'msgs_sent',
          width: 9,
          ...number,
        },
        {
          title: 'Lag',
          text: (row) => units.bytes.text(row.lag_bytes),
          sort: 'lag_bytes',
          ...number,
        },
        { title: 'Skipped', text: (row) => count(row.msgs_skipped), isNumber: true, width: 8 },
        { title: 'Shard', text: (row) => `${row.shard}`, isNumber: true, width: 7 },
      ],
    },
    token,
  )
}

/** @param watch a topic was chosen */
export function listTopics(
  place: HTMLElement,
  token: () => string,
  watch: (topic: string) => void,
): void {
  const number = { isNumber: true, isDescendingFirst: true }
  const { text: rate } = units.perSecond
  new List<TopicRow>(
    place,
    {
      path: 'topics.json',
      field: 'topics',
      title: 'Topics',
      filter: 'Filter topics',
      sort: 'subscribers',
      isDescending: true,
      columns: [
        {
          title: 'Topic',
          text: (row) => row.topic,
          sort: 'topic',
          width: 45,
          act: { label: ({ topic }) => `Watch ${topic}`, run: ({ topic }) => watch(topic) },
        },
        {
          title: 'Subscribers',
          text: (row) => count(row.subscribers),
          sort: 'subscribers',
          ...number,
        },
        {
          title: 'Events',
          text: (row) => rate(row.events_per_second),
          sort: 'events_per_second',
          ...number,
        },
        { title: 'Deliveries', text: (row) => rate(row.deliveries_per_second), isNumber: true },
      ],
    },
    token,
  )
}
