import { Details } from "@weft/metrics"
import { History } from "@weft/storage"
import { startRedis } from "@weft/testing"
import { Effect } from "effect"
import { inline, processes, Stores, submit, threads } from "weft"
import * as Connections from "../src/internal/Connections.ts"
import { burn, size, sum } from "./fixtures/measured.ts"

const module = new URL("./fixtures/measured.ts", import.meta.url).href
const server = await startRedis()
for (const name of process.argv.slice(2)) {
  const engine = name === "inline" ? inline() : name === "threads" ? threads() : processes()
  const store = name === "processes" ? server.url : Stores.memory()
  const connection = await Connections.use(store, undefined)
  for (let i = 0; i < 2; i++) {
    const source = burn(20)
    const handle = await submit(sum(Array.from({ length: 6 }, (_, i) => size(source, i))), {
      engine,
      module,
      store: store as never
    })
    const events: any[] = []
    const following = (async () => {
      for await (const e of handle.events) if (e.type === "ended") events.push(e)
    })()
    const t0 = performance.now()
    await handle.result()
    const t1 = performance.now()
    await handle[Symbol.asyncDispose]()
    console.log(name, "result", t1 - t0, "disposed", performance.now() - t1)
    await following
    const [record, details] = await connection.runtime.runPromise(
      Effect.gen(function* () {
        const h = yield* History
        return [
          (yield* h.runs({ limit: 1 }))[0],
          yield* h.details(handle.run).pipe(Effect.catchCause(() => Effect.succeed(undefined)))
        ] as const
      })
    )
    console.log(events, (await handle.summary()).makespanMs, record)
    if (details) {
      const { facts, graph, plan } = Details.decode(details)
      console.table(facts.nodes)
      console.log(graph?.length, plan.length)
      console.dir(
        facts.workers.map((w) => ({
          ...w,
          callsMs: w.callsMs.map((x) => +x.toFixed(2)).join(" "),
          invokesMs: w.invokesMs.join(" ")
        })),
        { depth: 5 }
      )
    }
  }
  await connection.end()
  if ("close" in engine) await (engine as any).close()
}
await server.stop()
