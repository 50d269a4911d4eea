// Starts a TypeScript file as a thread. Node 20 runs none as a worker, and tsx in each thread costs 0.4 s of
// CPU: so the file is bundled, once for each process. Main thread.
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'

const bundles = new Map<string, string>()

function bundleOf(path: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [path],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
  })
  return outputFiles[0]?.text ?? ''
}

/** @param task what the thread finds as `workerData.task` */
export function startThread(entry: URL, task: unknown): Worker {
  const path = fileURLToPath(entry)
  const bundle = bundles.get(path) ?? bundleOf(path)
  bundles.set(path, bundle)
  return new Worker(bundle, { eval: true, workerData: { task } })
}
