// Graphs of the shapes that are drawn in these tests.
import { each, type Graph, GraphBuilder, type Node, type Task, task } from "@weft/core"

type AnyNode = Node<ReadonlyArray<unknown>>

/** A task that takes and gives anything; the same one for the same name. */
export const call = (name: string, ...values: ReadonlyArray<unknown>): AnyNode => {
  let known = tasks.get(name)
  if (known === undefined) {
    known = task(name, (...args: ReadonlyArray<unknown>) => args)
    tasks.set(name, known)
  }
  return known(...values)
}
const tasks = new Map<string, Task<ReadonlyArray<unknown>, ReadonlyArray<unknown>>>()

export const graphOf = (targets: unknown, name = "test"): Graph.Graph =>
  GraphBuilder.make(targets, name).graph

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i))

/** `load` → 16 × (`tile` → 8 filters) → `merge`. */
export const image = (tiles = 16, filters = 8): AnyNode => {
  const source = call("load", "a.png")
  const tile = (index: number) =>
    times(filters, (i) => `filter${i}`).reduce((node, name) => call(name, node), call("tile", source, index))
  return call("merge", times(tiles, tile))
}

/** `load` × leaves, then pairs are added until one is left; in the order in which one would write it. */
export const tree = (leaves: number): AnyNode => {
  let row = times(leaves, (i) => call("load", i))
  while (row.length > 1) row = times(row.length / 2, (i) => call("add", row[2 * i], row[2 * i + 1]))
  return row[0]!
}

/** One step after the other; tasks take turns. */
export const chain = (length: number, tasks: ReadonlyArray<string>): AnyNode =>
  times(length, (i) => tasks[i % tasks.length]!).reduce<AnyNode | undefined>(
    (node, name) => call(name, node),
    undefined
  )!

/** Each chapter's words are counted, with a list from outside: `each` inside `each`. */
export const book = (): AnyNode => {
  const stop = call("stop")
  return call(
    "sum",
    each(call("chapters"), (chapter) =>
      call(
        "sum",
        each(call("words", chapter), (word) => call("count", word, stop))
      )
    )
  )
}
