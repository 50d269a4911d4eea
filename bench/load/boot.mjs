// The first file of a load thread: Node 20 does not run a .ts file as a worker, also not where
// tsx runs the main thread. Then it hands over to the file that workerData names.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.entry)
