/** The workflows of our own: five shapes of work, each built of calibrated tasks. */
import { each, type Node, workflow } from "weft"
import * as tasks from "./tasks.ts"

/** How long things take and how large they are, in all workflows. */
export interface Scale {
  /** Iterations that take 1 ms on a whole core. */
  readonly iterationsPerMs: number
  /** Multiplies all work. */
  readonly work: number
}

type Value = Node<Uint8Array>

export const module = { url: new URL("./all.ts", import.meta.url).href }
const KB = 1024

/** An effort of so many ms on a whole core, for a value of so many bytes. */
const efforts =
  ({ iterationsPerMs, work }: Scale) =>
  (ms: number, bytes: number): tasks.Effort => ({
    iterations: Math.round(ms * work * iterationsPerMs),
    bytes
  })

const times = <A>(count: number, make: (i: number) => A): Array<A> =>
  Array.from({ length: count }, (_, i) => make(i))

/** 32 leaves, added up pair by pair: more to move than to compute. */
export const tree = workflow(
  module,
  (scale: Scale) => {
    const effort = efforts(scale)
    let level: Array<Value> = times(32, () => tasks.load(effort(40, 256 * KB)))
    while (level.length > 1)
      level = times(level.length / 2, (i) =>
        tasks.add(effort(20, 256 * KB), [level[2 * i]!, level[2 * i + 1]!])
      )
    return level[0]!
  },
  { name: "tree-reduction" }
)

/** A product of matrices in 4 × 4 blocks: each block of each factor is read by four. */
export const gemm = workflow(
  module,
  (scale: Scale) => {
    const effort = efforts(scale)
    const n = 4
    const factor = () => times(n, () => times(n, () => tasks.block(effort(10, 512 * KB))))
    const [a, b] = [factor(), factor()]
    const blocks = times(n * n, (at) =>
      tasks.sum(
        effort(10, 512 * KB),
        times(n, (k) => tasks.multiply(effort(35, 512 * KB), [a[Math.floor(at / n)]![k]!, b[k]![at % n]!]))
      )
    )
    return tasks.sum(effort(10, 64 * KB), blocks)
  },
  { name: "gemm" }
)

/** 12 tiles, each through a chain of four filters: what follows on what decides. */
export const image = workflow(
  module,
  (scale: Scale) => {
    const effort = efforts(scale)
    const opened = tasks.open(effort(30, 2048 * KB))
    const tiles = times(12, () => {
      const tile = tasks.cut(effort(5, 512 * KB), [opened])
      const blurred = tasks.blur(effort(60, 512 * KB), [tile])
      return tasks.scale(effort(30, 256 * KB), [tasks.sharpen(effort(60, 512 * KB), [blurred])])
    })
    return tasks.paste(effort(60, 1024 * KB), tiles)
  },
  { name: "image" }
)

/** 18 chapters, how many is not known before; two findings about each, put together. */
export const text = workflow(
  module,
  (scale: Scale) => {
    const effort = efforts(scale)
    const findings = each(tasks.read(effort(40, 128 * KB), 18), (chapter) => {
      const prose = tasks.split(effort(15, 128 * KB), [chapter])
      return [tasks.measure(effort(50, 4 * KB), [prose]), tasks.tally(effort(80, 32 * KB), [prose])]
    })
    return tasks.report(effort(30, 16 * KB), findings)
  },
  { name: "text-analysis" }
)

/** 6 documents in 4 parts, mapped, merged, shuffled into 8, reduced: lists in lists. */
export const words = workflow(
  module,
  (scale: Scale) => {
    const effort = efforts(scale)
    const merged = each(tasks.documents(effort(20, 256 * KB), 6), (document) => {
      const mapped = each(tasks.parts(effort(5, 64 * KB), 4, document), (part) =>
        tasks.count(effort(40, 64 * KB), [part])
      )
      return tasks.merge(effort(10, 128 * KB), mapped)
    })
    const reduced = each(tasks.shuffle(effort(20, 128 * KB), 8, merged), (part) =>
      tasks.reduce(effort(40, 32 * KB), [part])
    )
    return tasks.total(effort(10, 8 * KB), reduced)
  },
  { name: "word-count" }
)
