/** What a cold start of the handler takes, and what of it is ours: beside an empty function, in the same minutes. */
import { megabytes, type Size, sizeLines } from "@weft/engine-lambda/deploy"
import { type LambdaLocal, type LambdaOptions, startLambda } from "@weft/lambda-local"
import { type Cloud, startCloud, startDeployed } from "./cloud.ts"
import * as loaded from "./loaded.ts"
import { type Code, clientOf, deployedCode, empty, makeProbe, withProbes } from "./probes.ts"
import { bold, fixed, least, median, most, row } from "./table.ts"

type Client = NonNullable<LambdaOptions["runtimeClient"]>

/** Cold and warm starts with one memory size; times in ms, one for each environment. */
export interface Starts {
  readonly client: Client
  /** In MB. */
  readonly memory: number
  /** From the start of the process until the function asks for its first invocation. */
  readonly emptyInitMs: ReadonlyArray<number>
  readonly initMs: ReadonlyArray<number>
  /** Of that, the import of the handler's bundle, as measured inside. */
  readonly importMs: ReadonlyArray<number>
  /** What the first invocation takes, which uses the stores, after that. */
  readonly firstMs: ReadonlyArray<number>
  /** What later ones take. */
  readonly warmMs: ReadonlyArray<number>
}

export interface Cold {
  readonly zippedBytes: number
  readonly unzippedBytes: number
  readonly sizes: ReadonlyArray<Size>
  readonly starts: ReadonlyArray<Starts>
  readonly loaded: ReadonlyArray<loaded.LoadedBy>
  /** How CPU and memory were limited. */
  readonly limits: string
}

/** One vCPU, in MB. */
const ONE_CPU = 1769
/** Connects, and does nothing else. */
const PREWARM = { weft: "prewarm", version: 1, holdMs: 0 }
/** Invocations of one environment after its first. */
const WARM = 3

const measure = async (
  lambda: LambdaLocal,
  code: Code,
  memory: number,
  runtimeClient: Client,
  repetitions: number
): Promise<Starts> => {
  const client = clientOf(lambda)
  const starts = { emptyInitMs: [], initMs: [], importMs: [], firstMs: [], warmMs: [] } as {
    -readonly [K in keyof Omit<Starts, "client" | "memory">]: Array<number>
  }
  try {
    for (let i = 0; i < repetitions; i++) {
      // A function of its own has an environment of its own; the three in turn meet the same moments of the machine.
      const probe = (what: string, from: Code, handler: string) =>
        makeProbe(lambda, client, from, { name: `${what}-${memory}-${i}`, memory, handler })
      await using bare = await probe("empty", empty, "index.handler")
      starts.emptyInitMs.push((await bare.invoke()).record.initMs!)
      await using ours = await probe("ours", code, "index.handler")
      const first = await ours.invoke(PREWARM)
      starts.initMs.push(first.record.initMs!)
      starts.firstMs.push(first.record.durationMs)
      for (let j = 0; j < WARM; j++) starts.warmMs.push((await ours.invoke(PREWARM)).record.durationMs)
      await using inside = await probe("import", code, "import.handler")
      starts.importMs.push((await inside.invoke()).answer as number)
    }
  } finally {
    client.destroy()
  }
  return { client: runtimeClient, memory, ...starts }
}

const table = row([-14, 6, 17, 17, 11, 17, 17, 15])
const spread = (values: ReadonlyArray<number>): string =>
  `${fixed(median(values))} (${fixed(least(values))}–${fixed(most(values))})`

const head = (): string =>
  bold(
    table([
      "client",
      "MB",
      "empty: init, ms",
      "ours: init, ms",
      "difference",
      "import inside, ms",
      "first event, ms",
      "warm event, ms"
    ])
  )

const line = ({ client, emptyInitMs, firstMs, importMs, initMs, memory, warmMs }: Starts): string =>
  table([
    client,
    String(memory),
    spread(emptyInitMs),
    spread(initMs),
    fixed(median(initMs)! - median(emptyInitMs)!),
    spread(importMs),
    spread(firstMs),
    spread(warmMs)
  ])

const allStarts = async (cloud: Cloud, code: Code, isQuick: boolean) => {
  const measured: Array<Starts> = []
  const cases: ReadonlyArray<readonly [Client, ReadonlyArray<number>]> = isQuick
    ? [["built-in", [ONE_CPU]]]
    : [
        ["built-in", [256, 512, 1024, ONE_CPU, 3008]],
        ["aws-lambda-ric", [ONE_CPU]]
      ]
  console.log(head())
  for (const [client, sizes] of cases) {
    await using lambda = await startLambda({
      runtimeClient: client,
      variables: { WEFT_TIMED: cloud.folder, WEFT_FAULTS: cloud.folder }
    })
    for (const memory of sizes) {
      const starts = await measure(lambda, code, memory, client, isQuick ? 2 : 15)
      measured.push(starts)
      console.log(line(starts))
    }
  }
  return measured
}

export const run = async (isQuick: boolean): Promise<Cold> => {
  console.log("\ncold: starts of an empty function and of the handler, median (least–most)")
  await using cloud = await startCloud()
  await using deployed = await startDeployed(cloud)
  const { sizes, unzippedBytes, zippedBytes } = deployed.deployment
  const { limits } = deployed.lambda
  const code = withProbes(await deployedCode(deployed))
  const starts = await allStarts(cloud, code, isQuick)
  console.log(`\n${limits}`)
  console.log(
    `\n${bold("bundle")}: ${megabytes(zippedBytes)} zipped, ${megabytes(unzippedBytes)} unzipped; code and assets by package`
  )
  for (const text of sizeLines(sizes).slice(0, 20)) console.log(text)
  const loads = await loaded.measure(cloud, deployed, code)
  console.log(`\n${bold("loaded by a run")}, in the main thread`)
  for (const { bytes, chunks, has, run } of loads) {
    const parts = Object.entries(has).flatMap(([part, isThere]) => (isThere ? [part] : []))
    console.log(`${run}: ${chunks.length} modules, ${megabytes(bytes)}, with ${parts.join(", ")}`)
  }
  return { zippedBytes, unzippedBytes, sizes, starts, loaded: loads, limits }
}
