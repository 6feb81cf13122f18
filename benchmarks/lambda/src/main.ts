/**
 * The Lambda benchmark: on a private cloud (Redis, S3 and Lambda, all on this machine).
 *
 *     node src/main.ts [--only start,wide,stages,cold,faults] [--most N] [--latency MS]... [--workers N]... [--fault TEXT]... [--repeat N] [--seed N] [--quick] [--out FILE]
 *
 * Exit code 1 if any repetition of a fault was not survived.
 */
import { dirname } from "node:path"
import { parseArgs } from "node:util"
import { write } from "@weft-benchmarks/overhead/write"
import * as cold from "./cold.ts"
import * as faults from "./faults.ts"
import * as stages from "./stages.ts"
import * as start from "./start.ts"
import * as wide from "./wide.ts"

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    most: { type: "string", default: "500" },
    latency: { type: "string", multiple: true, default: ["0", "50"] },
    workers: { type: "string", multiple: true },
    fault: { type: "string", multiple: true, default: [""] },
    repeat: { type: "string" },
    seed: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    out: { type: "string" }
  }
})
const repetitions = Number(flags.repeat ?? (flags.quick ? 1 : 20))

const parts = {
  start: () =>
    start.run(
      (flags.workers?.map(Number) ?? (flags.quick ? [1, 18] : [1, 10, 100, 500])).filter(
        (workers) => workers <= Number(flags.most)
      ),
      flags.latency.map(Number),
      Math.min(repetitions, 5)
    ),
  wide: () => wide.run(flags.quick, Number(flags.most)),
  stages: () => stages.run(flags.quick),
  cold: () => cold.run(flags.quick),
  faults: () => faults.run(flags.fault, repetitions, Number(flags.seed))
}
type Part = keyof typeof parts

const names = Object.keys(parts) as ReadonlyArray<Part>
const asked = flags.only?.split(",") ?? names
const unknown = asked.filter((name) => !names.some((part) => part === name))
if (unknown.length > 0) throw new Error(`--only ${unknown.join(",")}: there are ${names.join(", ")}`)

const figures: { [P in Part]?: Awaited<ReturnType<(typeof parts)[P]>> } = {}
const measure = async <P extends Part>(part: P) => {
  figures[part] = (await parts[part]()) as (typeof figures)[P]
}
for (const part of names) if (asked.includes(part)) await measure(part)

write(dirname(import.meta.dirname), "lambda", { seed: Number(flags.seed), ...figures }, flags.out)
if (figures.faults?.some(({ outcomes }) => outcomes.some(({ verdict }) => verdict !== "survived")))
  process.exitCode = 1
