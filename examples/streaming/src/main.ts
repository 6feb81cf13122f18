import { ok } from "node:assert"
import { mkdir, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { submit } from "weft"
import streaming from "./workflow.ts"

const make = async (streamed: boolean, count?: number) => {
  const input = count === undefined ? { streamed } : { streamed, count }
  await using run = await submit(streaming, { engine: "threads", input })
  const film = await run.result()
  const { makespanMs } = await run.summary()
  return { film, makespanMs }
}

// Threads start, and their code is compiled, before anything is measured.
await make(true, 8)

const collected = await make(false)
const streamed = await make(true)

const out = join(import.meta.dirname, "../out")
const file = join(out, "nagasaki.webp")
await mkdir(out, { recursive: true })
await writeFile(file, streamed.film)

const longest = Math.max(collected.makespanMs, streamed.makespanMs)
const show = (what: string, ms: number) =>
  console.log(`  ${what.padEnd(16)} ${(ms / 1000).toFixed(2)} s  ${"█".repeat((ms / longest) * 40)}`)
console.log(`A film of the harbour of Nagasaki: ${relative(process.env.INIT_CWD ?? process.cwd(), file)}\n`)
show("stage by stage", collected.makespanMs)
show("streamed", streamed.makespanMs)
console.log(
  `\nStreamed it took ${Math.round((streamed.makespanMs / collected.makespanMs) * 100)} % of the time.`
)

ok(streamed.film.equals(collected.film), "the films differ")
console.log("Both films are the same, byte by byte.")
