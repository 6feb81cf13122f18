/** Which parts of the bundle a run loads: no client of the SDK that it does not use. */
import { readdir, readFile, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { type Node, run } from "weft"
import { type Cloud, type Deployed, module } from "./cloud.ts"
import { type Code, type Loaded, probeLoads } from "./probes.ts"
import { delayed, gather, length, make } from "./tasks.ts"

/** What a run loaded, in all of its functions. */
export interface LoadedBy {
  readonly run: string
  /** Modules of the bundle, in bytes of code. */
  readonly bytes: number
  readonly chunks: ReadonlyArray<string>
  /** What of these there is: parts that are known by what they say. */
  readonly has: Readonly<Record<Known, boolean>>
}

/** Parts of bundles, and what only their code says. */
const known = {
  "client-lambda": /serviceId:\w+\?\.serviceId\?\?"Lambda"/,
  "client-s3": /serviceId:\w+\?\.serviceId\?\?"S3"/,
  "AWS SDK, common": /userAgentStringParsingProvider/,
  ioredis: /ioredis/
}
type Known = keyof typeof known

const runs: Readonly<Record<string, () => Node<unknown>>> = {
  "one task": () => delayed(0, 1),
  "a chain of tasks in one worker": () => delayed(0, delayed(0, delayed(0, 1))),
  "a fan-out, which invokes workers": () => {
    const source = delayed(0, 1)
    return gather([delayed(20, source), delayed(20, source), delayed(20, source)])
  },
  "values that go to S3, which is asked for them": () => {
    const value = make(200_000)
    return gather([length(value), length(value), length(value)])
  }
}

/** Does each run on functions that are new. */
export const measure = async (
  cloud: Cloud,
  deployed: Deployed,
  code: Code
): Promise<ReadonlyArray<LoadedBy>> => {
  const measured: Array<LoadedBy> = []
  for (const [name, build] of Object.entries(runs)) {
    // A new version has new environments.
    await probeLoads(deployed, { ...code, variables: { ...code.variables, WEFT_PROBED: name } })
    await run(build(), { engine: deployed.engine(), store: cloud.stores, module, output: "ignore" })
    measured.push(loadedBy(name, code, await written(cloud.folder)))
  }
  return measured
}

/** What functions wrote when they had answered: all that there is when there is no more for a while. */
const written = async (folder: string): Promise<ReadonlyArray<Loaded>> => {
  const found = async () => (await readdir(folder)).filter((name) => name.endsWith(".loaded"))
  let names = await found()
  for (let before = -1; names.length === 0 || before < names.length; names = await found()) {
    before = names.length
    await sleep(QUIET_MS)
  }
  return await Promise.all(
    names.map(async (name) => {
      const loaded = JSON.parse(await readFile(join(folder, name), "utf8")) as Loaded
      await rm(join(folder, name))
      return loaded
    })
  )
}

const QUIET_MS = 500

const loadedBy = (run: string, { files }: Code, loads: ReadonlyArray<Loaded>): LoadedBy => {
  const urls = loads.flatMap(({ atStart, later }) => [...atStart, ...later])
  const chunks = [...new Set(urls.filter((url) => url.endsWith(".mjs")).map((url) => basename(url)))]
  const code = chunks.map((chunk) => Buffer.from(files[chunk] ?? []).toString())
  const has = Object.fromEntries(
    Object.entries(known).map(([part, says]) => [part, code.some((text) => says.test(text))])
  ) as Record<Known, boolean>
  return { run, bytes: code.reduce((sum, text) => sum + Buffer.byteLength(text), 0), chunks, has }
}
