/**
 * The overhead benchmark: each shape on each engine, in a process of its own, beside its baseline.
 *
 *     node src/main.ts [--only TEXT] [--engine inline|threads|processes] [--quick] [--out FILE]
 */
import { execFile } from "node:child_process"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs, promisify } from "node:util"
import * as report from "./report.ts"
import { shapes } from "./shapes.ts"
import { burn } from "./work.ts"
import { write } from "./write.ts"

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    engine: { type: "string" },
    quick: { type: "boolean", default: false },
    out: { type: "string" }
  }
})
const engines = report.engineNames.filter((name) => flags.engine === undefined || flags.engine === name)
if (engines.length === 0)
  throw new Error(`--engine ${flags.engine}: there are ${report.engineNames.join(", ")}`)

/** How many iterations take about 50 ms on this machine, now. */
const calibrate = (): number => {
  const tried = 20_000_000
  burn(tried)
  return Math.round((tried * (flags.quick ? 5 : 50)) / Math.min(burn(tried), burn(tried)))
}

const start = promisify(execFile)
const here = fileURLToPath(new URL(".", import.meta.url))
const child = async (file: string, ...more: ReadonlyArray<string>): Promise<unknown> => {
  const args = [
    "--conditions=@weft/source",
    "--expose-gc",
    "--max-old-space-size=8192",
    `${here}${file}`,
    ...more
  ]
  const { stdout } = await start(process.execPath, args, { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout)
}

const iterations = calibrate()
const measured: Array<report.Measured> = []
console.log(report.head())
for (const [i, shape] of shapes(iterations, flags.quick).entries()) {
  if (!shape.name.includes(flags.only)) continue
  // Whether it works shows one engine of each shape, in turn.
  for (const engine of flags.quick ? [engines[i % engines.length]!] : engines) {
    const job: report.Job = { shape: shape.name, engine, iterations, quick: flags.quick }
    const result = (await child("measure.ts", JSON.stringify(job))) as report.Measured
    measured.push(result)
    console.log(report.line(result))
  }
}
console.log()
for (const text of measured.map(report.efficiency)) if (text !== undefined) console.log(text)
const facts =
  flags.only === "" ? ((await child("facts.ts", flags.quick ? "quick" : "")) as report.Facts) : undefined
if (facts !== undefined) for (const text of report.factLines(facts)) console.log(text)
const recording =
  flags.only === "" || flags.only === "recording"
    ? ((await child(
        "recording.ts",
        String(iterations),
        flags.quick ? "quick" : ""
      )) as ReadonlyArray<report.RecordingCost>)
    : []
for (const cost of recording) console.log(report.recordingLine(cost))
if (recording.length > 0) console.log(report.recordingSum(recording))

write(dirname(import.meta.dirname), "overhead", { measured, facts, recording }, flags.out)
