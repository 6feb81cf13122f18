/** A client in a process of its own: begins a run and waits for it. Says what happens as lines of JSON. */
import { redis } from "@weft/storage-redis"
import { submit } from "weft"
import * as settings from "./settings.ts"
import { INLINE_BYTES } from "./store.ts"
import * as tasks from "./tasks.ts"
import * as Workload from "./workload.ts"

/** What it is told, as JSON in its first argument. */
export interface Told {
  readonly url: string
  readonly seed: number
  /** How many named workers; 0: none. */
  readonly workers: number
  /** What it runs; `undefined`: so many tasks that are held. */
  readonly workload: Workload.Options | undefined
  readonly held: number
}

/** What it says. */
export type Said =
  | { readonly type: "begun"; readonly run: string }
  | { readonly type: "completed"; readonly completed: number; readonly total: number }

const say = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`)

if (import.meta.main) {
  const { held, seed, url, workers, workload } = JSON.parse(process.argv[2]!) as Told
  const engine = settings.makeEngine()
  const store = redis({ url, inlineBytes: INLINE_BYTES })
  const nodes =
    workload === undefined
      ? Array.from({ length: held }, (_, i) => tasks.hold(i))
      : Workload.build(Workload.make(seed, workload))
  const handle = await submit(nodes, settings.options(engine, store, workers, seed))
  say({ type: "begun", run: handle.run })
  let completed = 0
  for await (const event of handle.events) {
    if (event.type !== "completed") continue
    completed += event.nodes.length
    say({ type: "completed", completed, total: event.total })
  }
  await handle.result()
  await engine.close()
}
